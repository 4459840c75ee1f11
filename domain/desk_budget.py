"""The clock of the desk's own targets: each takes its share of the response that it serves."""

from domain.desk_state import Serving
from domain.desk_targets import Carved, Parent, carved
from domain.desk_turn import Budget
from domain.instants import from_ms
from domain.policy import Policy
from domain.working_time import WorkingTime
from schemas.record_fields import DeskTarget


def shares_of_the_response(time: WorkingTime) -> Budget:
    """By the policy's shares, in the calendar of the response."""

    def budget(target: DeskTarget, serving: Serving, at: int, policy: Policy) -> Carved:
        parent = Parent(serving.minutes, from_ms(serving.started), from_ms(serving.due), serving.calendar)
        return carved(target, parent, from_ms(at), policy, time)

    return budget
