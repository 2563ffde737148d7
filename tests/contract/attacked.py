"""Runs commands on hostile files within limits: ``python attacked.py '[["verify", "x"], ...]'``.

A line of JSON for each: how it ended and what it said.  What nobody expected ends the process.
"""

import contextlib
import io
import json
import resource
import sys

from polycardia.cli import main

MEMORY = 3 << 30  # [bytes]
SECONDS = 40  # of the processor


def run(command):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            status = main(command)
        except SystemExit as end:
            status = end.code
    return {"command": command[0], "status": status, "said": said.getvalue()}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for command in json.loads(sys.argv[1]):
        print(json.dumps(run(command)), flush=True)
