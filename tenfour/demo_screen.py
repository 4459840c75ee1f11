"""What the demo shows while it runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.records import RoutedMention, SlaEvent
from tenfour.flow import Flow
from tenfour.local_pipeline import LocalPipeline
from tenfour.up import processes

TEXT_WIDTH = 60
URGENCY_STYLE = {"urgent": "bold red", "high": "yellow", "medium": "green", "low": "dim", "none": "dim"}


@dataclass
class DemoState:
    """What the screen draws."""

    flow: Flow
    pipeline: LocalPipeline
    total: int
    done: int = 0
    finished: bool = False
    notes: list[str] = field(default_factory=list)

    def replayed(self, done: int, total: int) -> None:
        self.done, self.total = done, total


def screen(state: DemoState) -> RenderableType:
    """The whole picture."""
    return Group(
        _headline(state),
        Columns(
            [
                _flow_table(state.flow),
                _team_table(state.flow),
                processes(state.pipeline.supervisor.snapshot()),
            ]
        ),
        _recent_table(state.flow),
        _where_to_look(state),
    )


def _headline(state: DemoState) -> RenderableType:
    last = state.flow.recent[-1].mention.posted_at if state.flow.recent else None
    when = f"log time {last:%Y-%m-%d %H:%M} UTC" if last else "waiting for the first routed mention"
    what = (
        "replay finished; everything stays up until Ctrl-C"
        if state.finished
        else f"replaying {state.done} of {state.total}"
    )
    return Text.assemble(("tenfour demo  ", "bold"), f"{what}   ", (when, "cyan"))


def _flow_table(flow: Flow) -> Table:
    verdicts = flow.by_kind()
    rows = {
        "mentions in": len(flow.ingested),
        "brand replies": len(flow.replies),
        "classified": len(flow.classified),
        "routed": len(flow.routed),
        "timers open": len(flow.started) - len(flow.judged),
        "met": verdicts["met"],
        "breached": verdicts["breached"],
        "dead letters": len(flow.dead),
    }
    table = Table(title="What flows", show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value), style="red" if name in ("breached", "dead letters") and value else "")
    return table


def _team_table(flow: Flow) -> Table:
    table = Table(title="By type and team", show_header=False)
    for kind, count in Counter(flow.classified.values()).most_common():
        table.add_row(kind, str(count))
    table.add_section()
    for team, count in Counter(flow.routed.values()).most_common():
        table.add_row(f"team {team}", str(count))
    return table


def _recent_table(flow: Flow) -> Table:
    table = Table("posted", "brand", "type", "team", "mention", title="Last routed", expand=True)
    for routed in flow.recent:
        table.add_row(*_routed_row(routed), style=URGENCY_STYLE[routed.classification.urgency])
    for event in list(flow.recent_breaches)[-3:]:
        table.add_row(*_breach_row(event), style="bold red")
    return table


def _routed_row(routed: RoutedMention) -> tuple[str, ...]:
    mention = routed.mention
    text = " ".join(mention.text.split())
    shown = text if len(text) <= TEXT_WIDTH else f"{text[: TEXT_WIDTH - 1]}…"
    return (
        f"{mention.posted_at:%m-%d %H:%M}",
        mention.brand,
        routed.classification.type,
        routed.routing.team,
        _plain(shown),
    )


def _breach_row(event: SlaEvent) -> tuple[str, ...]:
    return (
        f"{event.due_at:%m-%d %H:%M}",
        event.brand,
        event.type,
        event.team,
        f"BREACHED: nobody answered {_plain(event.conversation)}",
    )


def _plain(text: str) -> str:
    """Safe for rich: a mention's brackets are no markup."""
    return text.replace("[", r"\[")


def _where_to_look(state: DemoState) -> Panel:
    lines = [
        "tenfour tail mentions-routed   every routed mention, as it comes",
        "tenfour tail sla-events        who was answered in time, and who was not",
        f"Kafka at {state.pipeline.settings.bootstrap}",
        *(f"metrics of {name}: http://127.0.0.1:{port}/metrics" for name, port in state.pipeline.metrics_ports.items()),
    ]
    return Panel("\n".join(lines), title="Where to look, from another terminal (in .venv/bin)")
