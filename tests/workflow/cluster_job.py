"""What a job is on a cluster: Snakemake once more, for this job alone.

The options are those that Snakemake's executors give to a job that they send away.
"""

import sys
from collections.abc import Sequence

from tiny_cohort import ROOT


def cluster_job(rule: str, **wildcards: object) -> Sequence[str]:
    """Return the command that runs one job of a study in its folder."""
    target = ",".join(f"{name}={value}" for name, value in wildcards.items())
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--configfiles", "study.yaml", "--mode", "subprocess", "--executor", "local"),
        *("--target-jobs", f"{rule}:{target}", "--allowed-rules", rule, "--cores", "2"),
        *("--rerun-triggers", "mtime", "params", "input"),
        *("--force", "--force-use-threads", "--attempt", "1", "--retries", "0"),
        *("--target-files-omit-workdir-adjustment", "--max-inventory-time", "0"),
        *("--nolock", "--ignore-incomplete", "--no-hooks", "--nocolor"),
    ]
