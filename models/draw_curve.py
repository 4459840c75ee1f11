"""Draws what looking again buys: errors among the rest against the share of mentions that people see."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from models.manifest import ReviewPoint

CURVE_FILE = "review_curve.png"


def draw_curve(points: Sequence[ReviewPoint], file: Path) -> None:
    """Writes a PNG of 800 by 500 pixels."""
    figure = Figure(figsize=(8, 5), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot([point.share * 100 for point in points], [point.error * 100 for point in points], color="#1f5f8b")
    for point in points[4::6]:
        axes.annotate(f"below {point.threshold:.2f}", (point.share * 100, point.error * 100), (4, 4), **_LABEL)
    axes.set_xlabel("mentions that people look at again, %")
    axes.set_ylabel("wrong types among the others, %")
    axes.set_title("Doubt: what looking again buys (validation split)")
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.savefig(file, metadata={"Software": None})


_LABEL = {"textcoords": "offset points", "fontsize": 8}
