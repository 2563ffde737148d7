#!/usr/bin/env bash
# Make this checkout's environment on Debian 12: packages from apt, and .venv at the root.
#
#   envs/setup.sh          what a study needs
#   envs/setup.sh dev      and what the checks and tests need
#   envs/setup.sh slurm    and what the two-node cluster on one machine needs
#
# Called again it installs nothing.  envs/README.md tells of machines that are not Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME

# Not the first python3 on the PATH: Debian's petsc4py loads into Debian's interpreter only.
readonly PYTHON=/usr/bin/python3
readonly VENV=.venv
readonly DONE=$VENV/.installed # one file a part, with the digest of what it was made from

say() { printf 'set-up: %s\n' "$*"; }
fail() {
    printf 'set-up failed: %s\n' "$*" >&2
    exit 1
}

# Run a command silently.  If it fails, keep what it said and end with the sentence $1.
quietly() {
    local sentence=$1 log
    shift
    log=$(mktemp "${TMPDIR:-/tmp}/polycardia-setup.XXXXXX")
    if ! "$@" >"$log" 2>&1 </dev/null; then
        if grep -qE 'Temporary failure|Could not resolve|Could not connect|NewConnectionError' "$log"; then
            sentence+=': the network cannot be reached'
        fi
        grep -iE '^ *(E:|error)' "$log" | tail -n 3 >&2 || true
        fail "$sentence (all of it in $log)"
    fi
    rm -f "$log"
}

listed() { sed 's/#.*//' "$@" | xargs; }

digest() { cat "$@" | { cat; pwd; } | sha256sum | cut -d' ' -f1; }

is_done() { [[ -f $DONE-$1 && $(<"$DONE-$1") == "$2" ]]; }

packages() {
    local package missing=()
    for package in $(listed "$@"); do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    ((EUID == 0)) || fail "Debian packages are missing and only root can install them:" \
        "sudo apt-get install --no-install-recommends ${missing[*]}"
    say "Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    quietly 'the list of Debian packages could not be fetched' apt-get update
    quietly 'the Debian packages could not be installed' \
        apt-get install --yes --no-install-recommends "${missing[@]}"
}

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

# Let .venv see these two of Debian's Python packages, and no other.
link_mpi_and_petsc() {
    local site found
    site=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    for found in /usr/lib/python3/dist-packages/mpi4py* \
        /usr/lib/petscdir/petsc*/*-real/lib/python3/dist-packages/petsc4py*; do
        [[ $found == *.pth ]] || ln -sfn "$found" "$site/"
    done
    quietly "Debian's petsc4py does not load in $VENV" \
        env -u PETSC_DIR -u PETSC_ARCH "$VENV/bin/python" -c 'import mpi4py.MPI, petsc4py.PETSc'
}

runtime() {
    local wanted
    wanted=$(digest envs/setup.sh envs/requirements.txt)
    is_done runtime "$wanted" && return
    say "Python packages, in $VENV"
    rm -rf "$VENV" # whatever another version of this file, or a call that was cut short, left
    quietly "$VENV could not be made" "$PYTHON" -m venv "$VENV"
    quietly 'the Python packages could not be installed' \
        pip install --require-hashes --no-deps -r envs/requirements.txt
    link_mpi_and_petsc
    echo "$wanted" >"$DONE-runtime"
}

development() {
    local wanted
    wanted=$(digest envs/requirements-dev.txt)
    is_done dev "$wanted" && return
    say 'Python packages for checks and tests'
    quietly 'the Python packages for checks and tests could not be installed' \
        pip install --require-hashes --no-deps -r envs/requirements-dev.txt
    echo "$wanted" >"$DONE-dev"
}

project() {
    local wanted
    wanted=$(digest pyproject.toml)
    is_done project "$wanted" && return
    say 'polycardia itself'
    quietly 'polycardia could not be installed' \
        pip install --no-deps --no-build-isolation --editable .
    echo "$wanted" >"$DONE-project"
}

for part in "$@"; do
    [[ $part == dev || $part == slurm ]] || fail "no part '$part': there are dev and slurm"
done
grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release ||
    fail 'this is not Debian 12: see envs/README.md for conda and for compiling PETSc'

packages envs/debian-runtime.txt
[[ " $* " != *' dev '* ]] || packages envs/debian-dev.txt
[[ " $* " != *' slurm '* ]] || packages envs/debian-slurm.txt
runtime
project
[[ " $* " != *' dev '* ]] || development
