"""Policies that promise something else than the shipped one, and mentions on their way from post to clock."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from functools import cache
from typing import Any

import yaml

from domain.policy import Policy, parse_policy
from domain.routing import respond, route
from schemas.records import Tick, TimerRespond, TimerStart
from tests.domain.posts import POLICY_TEXT, classified, mention, public_reply


@cache
def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(POLICY_TEXT)
    return found


def promising(calendar: dict[str, Any] | None = None, **minutes: int) -> Policy:
    """The shipped policy, with these minutes for complaints (`first_response=60`) in that calendar of its team."""
    raw = deepcopy(_shipped())
    raw["types"]["customer_complaint"] |= {f"{target}_minutes": value for target, value in minutes.items()}
    if calendar is not None:
        raw["calendars"] = {"hours": calendar}
        raw["teams"]["support"]["calendar"] = "hours"
    return parse_policy(yaml.safe_dump(raw), "policy.yaml")


def wrote(policy: Policy, when: datetime, id_: str = "mention-1") -> TimerStart:
    """A customer's complaint, as route tells the clock of it."""
    post = mention(posted_at=when, received_at=when).model_copy(update={"id": id_})
    found = route(classified(post), policy).timer
    assert found is not None
    return found


def answered(when: datetime, id_: str = "reply-1") -> TimerRespond:
    """The brand's public reply, as route tells the clock of it."""
    return respond(public_reply(posted_at=when, received_at=when).model_copy(update={"id": id_}))


def clock_shows(when: datetime) -> Tick:
    return Tick(at=when)
