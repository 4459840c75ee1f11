"""How soon what is owed, as the policy says it: minutes of a target, levels of risk, and the calendar they count in."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.instants import from_ms, to_ms
from domain.working_time import ALWAYS_OPEN, WorkingTime
from schemas.records import SlaTarget, TargetMinutes, TargetTimes

MAX_TARGET_MINUTES: Final = 43_200
"""Thirty days: no promise is longer, and a slip of the keyboard is."""
_MINUTE: Final = timedelta(minutes=1)

Minutes = Annotated[int, Field(strict=True, gt=0, le=MAX_TARGET_MINUTES)]


class _Section(BaseModel):
    """A field's description is the hint of its refusal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RiskLevel(_Section):
    """When a target is at risk: once a fraction of its time has passed, or so many minutes before it is due."""

    fraction: Annotated[
        float | None, Field(strict=True, gt=0, lt=1, allow_inf_nan=False, description="a fraction, such as 0.75")
    ] = None
    minutes_before: Annotated[
        int | None, Field(strict=True, gt=0, le=MAX_TARGET_MINUTES, description="whole minutes, such as 15")
    ] = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.fraction is None) == (self.minutes_before is None):
            raise PydanticCustomError("one_of", "should say either fraction or minutes_before")
        return self

    def elapsed(self, target: timedelta) -> timedelta:
        """The elapsed time at which a target is at risk: none or less where it is shorter than the minutes before."""
        if self.fraction is not None:
            return target * self.fraction
        assert self.minutes_before is not None
        return target - timedelta(minutes=self.minutes_before)


class Offset(NamedTuple):
    """A target's levels of risk and its end, as elapsed time from its start, rising."""

    risks: tuple[timedelta, ...]
    due: timedelta


class Promise(NamedTuple):
    """What is owed to a mention of one type, team and priority. `calendar` is a version, see `calendar_version`."""

    calendar: str
    first_response_minutes: int
    first_response: Offset
    next_response: Offset | None
    resolution: TargetMinutes | None
    reopen_days: int


def offset(minutes: int, levels: tuple[RiskLevel, ...]) -> Offset:
    """The offset of a target of so many minutes."""
    return offset_of(timedelta(minutes=minutes), levels)


def offset_of(target: timedelta, levels: tuple[RiskLevel, ...]) -> Offset:
    """Levels that would lie before the start are left out."""
    risks = {elapsed for level in levels if (elapsed := level.elapsed(target)) > timedelta()}
    return Offset(tuple(sorted(risks)) or (target,), target)


def whole_minutes(target: SlaTarget, found: Offset) -> TargetMinutes:
    """A target whose instants the clock finds. Its levels are rounded down to the minute."""
    minutes = found.due // _MINUTE
    whole = sorted({risk // _MINUTE for risk in found.risks} - {minutes})
    return TargetMinutes(target=target, minutes=minutes, at_risk=tuple(whole))


def superseding(promise: Promise) -> tuple[TargetMinutes, ...]:
    """All that is promised, for cycles that run under another promise."""
    found = [whole_minutes("first_response", promise.first_response)]
    if promise.next_response is not None:
        found.append(whole_minutes("next_response", promise.next_response))
    return (*found, *([promise.resolution] if promise.resolution is not None else []))


def times(found: Offset, start: datetime, calendar: str, time: WorkingTime) -> TargetTimes:
    """The instants of a target that starts then. Raises CalendarError where they are never reached."""
    if calendar == ALWAYS_OPEN:
        risks, due = [start + risk for risk in found.risks], start + found.due
    else:
        instants = _open_instants(found, to_ms(start), calendar, time)
        # The start itself may lie between two milliseconds.
        *risks, due = [max(start, from_ms(instant)) for instant in instants]
    return TargetTimes(at_risk_at=risks[0], at_risk_again=tuple(risks[1:]), due_at=due)


@lru_cache(maxsize=16_384)
def _open_instants(found: Offset, start: int, calendar: str, time: WorkingTime) -> tuple[int, ...]:
    """Remembered, since the first and the next response often have the same target."""
    lengths = (length // timedelta(milliseconds=1) for length in (*found.risks, found.due))
    return tuple(time.add(calendar, start, length) for length in lengths)
