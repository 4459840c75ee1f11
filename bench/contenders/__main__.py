"""Runs one contender until it is ended: `python -m bench.contenders NAME --bootstrap ... --source ... --group ...`."""

from __future__ import annotations

import argparse
from importlib import import_module

from bench.contenders.contest import Contest

NAMES = ("tenfour", "aiokafka", "faust", "quixstreams")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.contenders", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    for option in ("bootstrap", "source", "group"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--work", choices=("mention", "small", "model"), default="mention")
    given = vars(parser.parse_args())
    contender = import_module(f"bench.contenders.run_{given.pop('name')}")
    contender.run_contender(Contest(**given))


if __name__ == "__main__":
    main()
