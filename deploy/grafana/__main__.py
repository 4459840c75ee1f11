"""Writes the dashboards into deploy/grafana/dashboards: `python -m deploy.grafana`."""

from __future__ import annotations

from deploy.grafana.files import FOLDER, texts


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
