"""What the command line does for its processes: the libraries log each attempt, the one line at the end says it all."""

import logging


def quiet_libraries() -> None:
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
