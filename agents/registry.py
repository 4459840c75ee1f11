"""The stages by name, built from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agents.assign_owners import assign_stage
from agents.classify_mentions import classify_stage
from agents.count_mentions import count_stage
from agents.detect_spikes import spikes_stage
from agents.handle_desk import desk_stage
from agents.handle_incidents import incidents_stage
from agents.propose_incidents import propose_stage
from agents.route_mentions import route_stage
from agents.track_deadlines import deadlines_stage
from domain.policy import Policy, parse_policy
from domain.typing_rules import Doubt, Judge, TypingRules
from models.manifest import Manifest
from models.mention_model import MentionModel
from models.score_queue import ScoreQueue
from models.second_stage import SecondStage
from streams.metrics import MODEL_SECONDS, MODEL_TEXTS
from streams.settings import Settings, SettingsError
from streams.stages import Stage

STAGES: Final = ("classify", "route", "deadlines", "desk", "assign", "count", "spikes", "propose", "incidents")


def stage_named(name: str, settings: Settings) -> Stage:
    """Raises SettingsError for an unknown name, PolicyError or ModelError where the stage's inputs are not right."""
    if name == "classify":
        model = MentionModel.load(settings.model, threads=settings.model_threads)
        second = load_second_stage(settings, model.manifest, threads=settings.model_threads)
        rules = typing_rules(load_policy(settings.policy), model.manifest, second)
        return classify_stage(rules, ScoreQueue(model, _observe, second), settings)
    if name == "route":
        return route_stage(load_policy(settings.policy))
    if name == "deadlines":
        return deadlines_stage()
    if name == "desk":
        return desk_stage(settings.partitions)
    if name == "assign":
        return assign_stage(load_policy(settings.policy))
    if name == "propose":
        return propose_stage(load_policy(settings.policy))
    if name == "incidents":
        return incidents_stage(settings.partitions)
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


def load_second_stage(settings: Settings, first: Manifest, *, threads: int) -> SecondStage | None:
    """The second model, None where the settings name none. The first's curve turns the share that it reads again into
    a threshold. Raises ModelError."""
    if settings.second_model is None:
        return None
    threshold = first.review_threshold(share=settings.second_stage_share, tolerated_error=None)
    return SecondStage(MentionModel.load(settings.second_model, threads=threads), threshold)


def typing_rules(policy: Policy, manifest: Manifest, second: SecondStage | None = None) -> TypingRules:
    """The policy's wish for review as the thresholds of confidence that these models need for it, each by its own
    curve."""
    first = _judge(policy, manifest)
    return TypingRules(policy, first.doubt, first.model, None if second is None else _judge(policy, second.manifest))


def _judge(policy: Policy, manifest: Manifest) -> Judge:
    review = policy.review
    threshold = manifest.review_threshold(share=review.share, tolerated_error=review.tolerated_error)
    return Judge(manifest.model_version, Doubt(threshold, frozenset(manifest.languages)))


def _observe(texts: int, seconds: float) -> None:
    MODEL_SECONDS.observe(seconds)
    MODEL_TEXTS.inc(texts)
