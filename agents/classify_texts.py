"""Texts to classifications without Kafka: what the classify stage would say of them, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from agents.registry import load_policy, load_second_stage, typing_rules
from domain.policy import Policy
from domain.typing_rules import SENTIMENTS, TYPES, TypingRules
from models.mention_model import MentionModel, Reading
from schemas.records import Classification, ClassifierMode
from streams.settings import Settings


class TextFinding(NamedTuple):
    """A classification, the probabilities of both heads by name, and the rules that fired: `flag: word`."""

    classification: Classification
    sentiment: Mapping[str, float]
    type: Mapping[str, float]
    rules: Sequence[str]


def new_text_classifier(settings: Settings, *, threads: int) -> Callable[[Sequence[str]], list[TextFinding]]:
    """Raises SettingsError, PolicyError or ModelError where the settings' policy or models can't be used."""
    policy = load_policy(settings.policy)
    model = MentionModel.load(settings.model, threads=threads)
    second = load_second_stage(settings, model.manifest, threads=threads)
    rules = typing_rules(policy, model.manifest, second)
    mode: ClassifierMode = "one_stage" if second is None else "two_stage"

    def classify(texts: Sequence[str]) -> list[TextFinding]:
        readings = model.read(texts)
        if second is not None:
            readings = second.read_again(texts, readings)
        return [_finding(text, reading, policy, rules, mode) for text, reading in zip(texts, readings, strict=True)]

    return classify


def _finding(text: str, reading: Reading, policy: Policy, rules: TypingRules, mode: ClassifierMode) -> TextFinding:
    classification = rules.classify(text, reading, mode=mode)
    fired = [f"{hit.flag}: {hit.why}" for hit in policy.risk_hits(text)]
    if classification.review_reason is not None:
        fired.append(f"review: {classification.review_reason}")
    return TextFinding(classification, _named(SENTIMENTS, reading.sentiment), _named(TYPES, reading.type), fired)


def _named(names: Sequence[str], shares: Sequence[float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in zip(names, shares, strict=True)}
