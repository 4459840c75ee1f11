"""One record's turn on the case of a conversation: what the steps of the clock have in common.

All times are milliseconds since 1970; `now` is the tick that was seen last, None before the first.
"""

from typing import Final

from domain.cycle_events import cause_of, cycle_id, event, event_id
from domain.cycle_state import Case, Cycle, Ended, Reply, Status
from domain.working_time import WorkingTime, risk_moments
from schemas.records import MissCause, SlaEvent, SlaEventKind

RESPONSES: Final = ("first_response", "next_response")
REMEMBERED_ENDED: Final = 16
"""Desk cycles that are over, the latest, which a repeated start is known by."""


class Turn:
    """The case, to be changed, and the events that come of it."""

    def __init__(self, conversation: str, case: Case, now: int | None, time: WorkingTime) -> None:
        self.conversation, self.case, self.now, self.time = conversation, case, now, time
        self.events: list[SlaEvent] = []

    def open(self, cycle: Cycle, *, linked: str = "") -> None:
        """Starts a cycle. One whose due time has passed stays open until `settle` or an answer decides."""
        self.case.cycles.append(cycle)
        self._tell(cycle, "started", cycle.started, linked=linked or None)

    def wait(self, cycle: Cycle, *, linked: str = "") -> None:
        """Starts a response: from now on the customer waits."""
        self.open(cycle, linked=linked)
        self.case.waiting_since = cycle.started

    def settle(self) -> None:
        """Breaches what was due before the last tick."""
        if self.now is not None:
            for cycle in self.running():
                if cycle.due < self.now:
                    self.breach(cycle)

    def answer(self, reply: Reply) -> None:
        """Takes in a public reply by a person: it answers what waited before it, pauses the resolution, and may show
        that an earlier breach was none."""
        case = self.case
        for cycle in self._breached():
            if cycle.target in (*RESPONSES, "resolution") and cycle.since <= reply.at <= cycle.due:
                self._correct(cycle, reply.at, reply.id)
        if case.waiting_since is not None and reply.at >= case.waiting_since:
            case.waiting_since = None
            for cycle in self.running(*RESPONSES):
                self.finish(cycle, reply.at, reply.id)
            for cycle in self.running("resolution"):
                self._pause(cycle, reply.at)
        case.answered_until = max(reply.at, case.answered_until if case.answered_until is not None else reply.at)
        self.next_pending()

    def next_pending(self) -> None:
        """If nobody waits, starts the next response to the first message that is still unanswered."""
        case = self.case
        if case.waiting_since is not None or not case.pending:
            return
        done = case.answered_until
        case.pending = [cycle for cycle in case.pending if done is None or cycle.started > done]
        if case.pending:
            self.take_up(case.pending.pop(0))

    def take_up(self, cycle: Cycle) -> None:
        """Starts a next response: the resolution goes on, or a resolved case is open again."""
        self.wait(cycle)
        if self.case.resolved_at is not None:
            self.case.resolved_at = None
            self._tell(cycle, "reopened", cycle.started)
        for held in [held for held in self.case.cycles if held.status == Status.PAUSED]:
            self._resume(held, cycle.started)

    def finish(self, cycle: Cycle, at: int, reply: str | None = None) -> None:
        """What the target asked for was done at `at`: in time, or proof that it was not."""
        if at > cycle.due:
            self.breach(cycle)
            return
        elapsed = cycle.elapsed + self.time.between(cycle.calendar, cycle.since, at)
        self.end(cycle, "met", at, reply=reply, elapsed=elapsed)

    def breach(self, cycle: Cycle) -> None:
        """A late answer is not named: whether it or a tick told first must make no difference."""
        cause = cause_of(self.case, cycle, cycle.due)
        elapsed = max(cycle.budget, cycle.elapsed)  # more than the budget where a new target was used up before
        self._tell(cycle, "breached", cycle.due, elapsed=elapsed, cause=cause)
        cycle.status, cycle.risks = Status.BREACHED, []

    def correct_stopped(self, cycle: Cycle, at: int) -> None:
        """A breached cycle turns out to have been finished in time."""
        self._correct(cycle, at, None)

    def end(
        self,
        cycle: Cycle,
        kind: SlaEventKind,
        at: int,
        *,
        reply: str | None = None,
        elapsed: int | None = None,
        reason: str | None = None,
    ) -> None:
        """The last word on a cycle that is not breached."""
        self._tell(cycle, kind, at, reply=reply, elapsed=elapsed, reason=reason)
        self.case.cycles.remove(cycle)

    def warn(self, cycle: Cycle) -> None:
        """Tells the latest level of risk that the last tick has passed."""
        assert self.now is not None
        passed = [moment for moment in cycle.risks if moment < self.now]
        cycle.risks, cycle.told = cycle.risks[len(passed) :], cycle.told + len(passed)
        cause = cause_of(self.case, cycle, passed[-1])
        self._tell(cycle, "at_risk", passed[-1], level=cycle.told, cause=cause)

    def remember_ended(self, cycle: Cycle, at: int) -> None:
        """Keeps when a desk cycle ran, for repeats and for the causes of misses."""
        over = Ended(cycle_id(self.conversation, cycle), cycle.target, cycle.started, at)
        self.case.ended = [*self.case.ended, over][-REMEMBERED_ENDED:]

    def knows(self, cycle: Cycle) -> bool:
        """Whether the cycle has been started before."""
        name = cycle_id(self.conversation, cycle)
        return any(over.cycle == name for over in self.case.ended) or any(
            cycle_id(self.conversation, other) == name for other in self.case.cycles
        )

    def running(self, *targets: str) -> list[Cycle]:
        """Those that run, of the targets, or of all."""
        return [
            cycle
            for cycle in self.case.cycles
            if cycle.status == Status.RUNNING and (not targets or cycle.target in targets)
        ]

    def _breached(self) -> list[Cycle]:
        return [cycle for cycle in self.case.cycles if cycle.status == Status.BREACHED]

    def _correct(self, cycle: Cycle, at: int, reply: str | None) -> None:
        breach = event_id(self.conversation, cycle, "breached")
        elapsed = cycle.elapsed + self.time.between(cycle.calendar, cycle.since, at)
        self._tell(cycle, "breach_corrected", at, reply=reply, elapsed=elapsed, breach=breach)
        self.case.cycles.remove(cycle)

    def _pause(self, cycle: Cycle, at: int) -> None:
        if at > cycle.due:
            self.breach(cycle)
            return
        cycle.elapsed += self.time.between(cycle.calendar, cycle.since, at)
        cycle.status, cycle.since, cycle.risks = Status.PAUSED, max(at, cycle.since), []

    def _resume(self, cycle: Cycle, at: int) -> None:
        left = max(0, cycle.budget - cycle.elapsed)  # a new target may be used up while it stands still
        cycle.status, cycle.since = Status.RUNNING, at
        cycle.due = self.time.add(cycle.calendar, at, left)
        cycle.told = max(cycle.told, sum(level <= cycle.elapsed for level in cycle.levels))
        cycle.risks = risk_moments(self.time, cycle.calendar, at, cycle.elapsed, cycle.levels[cycle.told :])

    def _tell(
        self,
        cycle: Cycle,
        kind: SlaEventKind,
        at: int,
        *,
        reply: str | None = None,
        elapsed: int | None = None,
        level: int | None = None,
        cause: MissCause | None = None,
        breach: str | None = None,
        linked: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.events.append(
            event(
                self.conversation,
                cycle,
                kind,
                at,
                self.now,
                reply=reply,
                elapsed=elapsed,
                level=level,
                cause=cause,
                breach=breach,
                linked=linked,
                reason=reason,
            )
        )
