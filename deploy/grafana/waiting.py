"""What comes due, and what waits for people."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import Asked, Panel, compare, figure, matrix, trend, worse_above
from deploy.grafana.queries import Query, most

_DUE: Final = ("overdue", "15m", "1h", "4h", "24h", "later")


def due() -> list[Panel]:
    return [
        figure(
            Asked(
                "How many wait for a look?",
                "Open conversations with a mention whose type is doubtful. Normal: as many as a person looks through "
                "in an hour. If it grows, put somebody on reviewing; if it jumps, look at the confidence in Pipeline.",
                "short",
                6,
                worse_above(20, 100),
            ),
            Query(most("tenfour_in_review")),
        ),
        figure(
            Asked(
                "How long has the oldest waited?",
                "For a look at a doubtful mention. Its response's time runs meanwhile, a tenth of it is meant for the "
                "review. Normal: below a quarter of an hour while the team is there.",
                "s",
                6,
                worse_above(900, 3600),
            ),
            Query(most("tenfour_review_oldest_seconds")),
        ),
        figure(
            Asked(
                "How many escalations has nobody accepted?",
                "Each has asked somebody by name of their role. Normal: 0, or some that are minutes old. Acknowledge "
                "them in the desk; if nobody was told, look at the notifications below.",
                "short",
                6,
                worse_above(1, 10),
            ),
            Query(f"sum({most('tenfour_escalations_unacknowledged', 'trigger')})"),
        ),
        figure(
            Asked(
                "How long has the oldest escalation waited?",
                "Until somebody accepts it. Normal: less than the minutes of its first step, 10 to 60 in the shipped "
                "policy. If more, call the lead of its team.",
                "s",
                6,
                worse_above(900, 3600),
            ),
            Query(most("tenfour_escalation_oldest_seconds")),
        ),
        matrix(
            Asked(
                "What is open, and how soon is it due?",
                "Open timers by target, each with what lies between one column and the next. Normal: nothing overdue, "
                "little within 15 minutes. What is overdue was breached, and is still owed an answer: take it first.",
                "short",
                8,
            ),
            Query(most("tenfour_timers_due", "target", "within")),
            rows="target",
            columns="within",
            order=_DUE,
            limits={"overdue": worse_above(1, 10), "15m": worse_above(10, 50)},
        ),
        trend(
            Asked(
                "Does what waits for people shrink?",
                "Conversations that wait for a look, that are nobody's and nobody is being asked to take, and "
                "escalations that nobody has accepted. Normal: falls while the team is there. `nobody's` stays up "
                "where nobody on shift has room or the skill: look at shifts and capacities.",
                "short",
                8,
            ),
            Query(most("tenfour_in_review"), "to be looked at"),
            Query(most("tenfour_unassigned_conversations"), "nobody's"),
            Query(f"sum({most('tenfour_escalations_unacknowledged', 'trigger')})", "escalations not accepted"),
        ),
        compare(
            Asked(
                "Of what are the escalations that nobody has accepted?",
                "By trigger: a risk flag, or what the clock or the desk says. Safety, self-harm and legal threats come "
                "before all others.",
                "short",
                8,
                worse_above(1, 5),
            ),
            Query(most("tenfour_escalations_unacknowledged", "trigger") + " > 0", "{{trigger}}"),
            none="none",
        ),
    ]
