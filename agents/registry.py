"""The stages by name, built from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agents.classify_mentions import classify_stage
from agents.count_mentions import count_stage
from agents.detect_spikes import spikes_stage
from agents.route_mentions import route_stage
from agents.track_deadlines import deadlines_stage
from domain.policy import Policy, parse_policy
from domain.typing_rules import Doubt, TypingRules
from models.manifest import Manifest
from models.mention_model import MentionModel
from models.score_queue import ScoreQueue
from streams.metrics import MODEL_SECONDS, MODEL_TEXTS
from streams.settings import Settings, SettingsError
from streams.stages import Stage

STAGES: Final = ("classify", "route", "deadlines", "count", "spikes")


def stage_named(name: str, settings: Settings) -> Stage:
    """Raises SettingsError for an unknown name, PolicyError or ModelError where the stage's inputs are not right."""
    if name == "classify":
        model = MentionModel.load(settings.model, threads=settings.model_threads)
        rules = typing_rules(load_policy(settings.policy), model.manifest)
        return classify_stage(rules, ScoreQueue(model, _observe), settings)
    if name == "route":
        return route_stage(load_policy(settings.policy))
    if name == "deadlines":
        return deadlines_stage()
    if name == "count":
        return count_stage(load_policy(settings.policy), settings.partitions)
    if name == "spikes":
        return spikes_stage(load_policy(settings.policy), settings.partitions)
    raise SettingsError(f"no stage {name!r}; stages are {', '.join(STAGES)}")


def load_policy(path: Path) -> Policy:
    """Raises SettingsError if there is no such file, PolicyError if it can't be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"TENFOUR_POLICY: can't read {path}: {error.strerror}; run in the checkout, or set it"
        ) from None
    return parse_policy(text, path.name)


def typing_rules(policy: Policy, manifest: Manifest) -> TypingRules:
    """The policy's wish for review as the threshold of confidence that this model needs for it."""
    review = policy.review
    threshold = manifest.review_threshold(share=review.share, tolerated_error=review.tolerated_error)
    return TypingRules(policy, Doubt(threshold, frozenset(manifest.languages)), manifest.model_version)


def _observe(texts: int, seconds: float) -> None:
    MODEL_SECONDS.observe(seconds)
    MODEL_TEXTS.inc(texts)
