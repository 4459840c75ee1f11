"""The files that Grafana reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.board import Board, made
from deploy.grafana.operations import OPERATIONS
from deploy.grafana.pipeline import PIPELINE
from deploy.grafana.response_desk import RESPONSE_DESK

FOLDER: Final = Path(__file__).with_name("dashboards")
BOARDS: Final = (RESPONSE_DESK, PIPELINE, OPERATIONS)


def texts() -> dict[str, str]:
    """By the file's name."""
    return {f"{board.name}.json": _text(board) for board in BOARDS}


def _text(board: Board) -> str:
    return json.dumps(made(board), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
