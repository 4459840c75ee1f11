"""The command line: `tenfour COMMAND`, a module a command. A module is imported when its command is called."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from tenfour.errors import report

COMMANDS: Final = {
    "demo": "Replay real mentions through the whole pipeline on this machine.",
    "up": "Run everything on this machine until Ctrl-C.",
    "run": "Run stages in this process until Ctrl-C.",
    "gateway": "Take mentions and replies by HTTP until Ctrl-C.",
    "publish": "Post the desk's replies on their channel until Ctrl-C.",
    "notify": "Tell people of escalations until Ctrl-C.",
    "console": "Serve the desk's API by HTTP until Ctrl-C.",
    "tokens": "Make, list and revoke the tokens of the desk's API.",
    "classify": "Say of texts in a file what they are, without Kafka.",
    "replay": "Replay recorded mentions and replies into the log.",
    "tail": "Show the records of a topic as they come.",
    "broker": "Start, stop or find the embedded broker.",
    "topics": "Create the topics, or compare them with what is declared.",
    "policy": "Check the policy.",
    "people": "Who is at the desk: roles, teams, skills, shifts, absences.",
    "labels": "The types that people gave to mentions, for training.",
    "sla": "When a target is due, and whether the log says what was told.",
    "database": "Make the tables of the read model, or bring them to this release.",
    "project": "Write what the log says into the read model until Ctrl-C.",
    "rebuild": "Fold the log into the read model again.",
    "doctor": "Check the installation: what is wrong, and what mends it.",
    "status": "Show the stages: lag, members, pace, and how late the clock is.",
    "dead-letters": "List what a stage could not read or decide, and write it into the log again.",
    "gaps": "List the mentions that have neither an owner nor an end.",
    "metrics": "List every metric: type, unit, labels, what it says.",
    "settings": "List every setting: variable, meaning, default, current value.",
}
"""Each command is the `app` of the module `tenfour.<command>`, with an underscore for a hyphen."""


def module_of(command: str) -> str:
    """The module of a command."""
    return f"tenfour.{command.replace('-', '_')}"


class _Commands(TyperGroup):
    """Lists the commands without importing them: stages, model and HTTP server take seconds to load."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        if listed is None:
            return name, listed, rest
        assert name is not None
        return name, typer.main.get_command(import_module(module_of(name)).app), rest


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tenfour {version('tenfour')}")
        raise typer.Exit


@app.callback()
def tenfour(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """The response desk for brands: every mention gets one answer, from the right person, in time."""


def main() -> None:
    """Runs the command line of this process."""
    if not os.environ.get("TENFOUR_TRACEBACK"):
        # The clients log each attempt; the one line at the end says it all.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except Exception as error:
        raise SystemExit(report(error)) from None


if __name__ == "__main__":
    main()
