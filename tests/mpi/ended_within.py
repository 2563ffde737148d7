"""``ended_within.py 90.0 simulate ...``: a command of polycardia that ends itself at a moment [ms].

A signal from outside comes when it comes.  This one comes with the first report of that moment or
a later one, and the beat ends at its next look.
"""

import logging
import re
import signal
import sys

from polycardia.cli import main


class EndsWithin(logging.Handler):
    """Sends SIGUSR1 to its own process, which is the first rank's: no other reports."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self._moment = moment

    def emit(self, record: logging.LogRecord) -> None:
        report = re.match(r"t +([\d.]+) of ", record.getMessage())
        if report and float(report[1]) >= self._moment:
            signal.raise_signal(signal.SIGUSR1)


if __name__ == "__main__":
    logging.getLogger("polycardia").addHandler(EndsWithin(float(sys.argv[1])))
    sys.exit(main(sys.argv[2:]))
