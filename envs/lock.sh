#!/usr/bin/env bash
# Lock the newest versions that the .in files allow, with the digests of their files.
# Needs `uv`; the index it asks is the one that this machine is configured for.
set -euo pipefail
cd "$(dirname "$0")"

for name in requirements requirements-dev; do
    uv pip compile --quiet --upgrade --python /usr/bin/python3 --generate-hashes --no-annotate \
        --no-emit-index-url --override overrides.txt --custom-compile-command envs/lock.sh \
        "$name.in" -o "$name.txt"
done
