"""The classify stage as `tenfour run classify` runs it, ticks and all, with scores made beforehand."""

from __future__ import annotations

from agents.classify_mentions import classify_stage
from agents.registry import load_policy
from bench.stored_scores import StoredScores
from streams.running import run_stages
from streams.settings import load_settings
from streams.stages import run


def main() -> None:
    settings = load_settings()
    run(run_stages([classify_stage(load_policy(settings.policy), StoredScores(), settings)], settings))


if __name__ == "__main__":
    main()
