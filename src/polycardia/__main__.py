"""``python -m polycardia``: the same as the command ``polycardia``."""

import sys

from polycardia.cli import main

sys.exit(main())
