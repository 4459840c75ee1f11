"""The classify stage as `tenfour run classify` runs it, ticks and all, with readings made beforehand."""

from __future__ import annotations

from agents.classify_mentions import classify_stage
from agents.registry import load_policy
from bench.stored_readings import StoredReadings, stored_rules
from streams.running import run_stages
from streams.settings import load_settings
from streams.stages import run


def main() -> None:
    settings = load_settings()
    stage = classify_stage(stored_rules(load_policy(settings.policy)), StoredReadings(), settings)
    run(run_stages([stage], settings))


if __name__ == "__main__":
    main()
