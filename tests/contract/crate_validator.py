"""The public validator of RO-Crates, without a network.

It asks the web for the JSON-LD context that a crate names and remembers the answer.  Here it
remembers, before it is asked, what the package `rocrate` ships: the context of RO-Crate 1.1 as it
was published.
"""

import json
import os
import subprocess
import sys
from importlib import resources
from io import BytesIO
from pathlib import Path

import pytest

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "workflow-run-crate-0.5"
COMMAND = (sys.executable, "-c", "from rocrate_validator.cli import cli; cli()")
LONGEST = 120.0  # [s]


def filled_cache(folder):
    """Write what the validator would have fetched, and return what it calls its cache."""
    pytest.importorskip("rocrate_validator", reason="the validator of RO-Crates is not installed")
    requests = pytest.importorskip("requests")
    requests_cache = pytest.importorskip("requests_cache")
    urllib3 = pytest.importorskip("urllib3")
    body = (resources.files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()
    assert json.loads(body)["@id"] == CONTEXT, "rocrate ships another version's context"

    class Shipped(requests.adapters.HTTPAdapter):
        def send(self, request, **_):
            headers = {"Content-Type": "application/ld+json"}
            raw = urllib3.HTTPResponse(BytesIO(body), headers, 200, preload_content=False)
            return self.build_response(request, raw)

    with requests_cache.CachedSession(str(folder / "cache"), backend="sqlite") as session:
        session.mount(CONTEXT, Shipped())
        assert session.get(CONTEXT).json()["version"] == "1.1.0"
    return folder / "cache"


def complaints(crate: Path, cache: Path, severity: str) -> set[str]:
    """Return what the validator says against a crate.

    Args:
        crate: folder.
        cache: as of `filled_cache`.
        severity: of the requirements that are checked, ``required`` or ``recommended`` and these.
    """
    report = cache.with_name("report.json")
    report.unlink(missing_ok=True)
    command = [*COMMAND, "--no-interactive", "validate", "--offline", "--cache-path", cache]
    command += ["--profile-identifier", PROFILE, "--requirement-severity", severity]
    command += ["--output-format", "json", "--output-file", report, crate]
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, "HOME": str(cache.parent)},
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert report.is_file(), done.stdout + done.stderr
    said = json.loads(report.read_text())
    assert {PROFILE, "process-run-crate-0.5", "ro-crate-1.1"} <= {*said["statistics"]["profiles"]}
    assert said["statistics"]["total_skipped_checks"] == 0
    assert said["passed"] == (done.returncode == 0) == (not said["issues"])
    return {issue["message"] for issue in said["issues"]}
