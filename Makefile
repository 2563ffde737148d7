# `make demo` computes a small cohort, `make test` runs every check and test.  README.md tells more.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.PHONY: setup demo slurm-demo test check bench scale faults clean

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# One thread a rank: the ranks share the cores out among themselves.
export OMP_NUM_THREADS := 1
# Open MPI starts nothing as root unless told so twice, and would bind two runs to the same core.
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
export OMPI_MCA_hwloc_base_binding_policy := none

setup:
	envs/setup.sh

DEMO := demo/config.yaml
# Faults are told, the scheduler's every move is not; Snakemake has no level between.
SOFTLY := 2> >(grep -vE '^(Select jobs to execute|Execute [0-9]+ jobs|Using workflow)' >&2 || true)
HEARTS := polycardia synthesise --patients 6 --seed 1 --edge-length 2.5 --output demo/cohort

demo: setup
	$(HEARTS) >/dev/null
	echo 'six hearts, a few minutes; meanwhile: .venv/bin/polycardia status --config $(DEMO)'
	snakemake --cores all --quiet host progress reason rules --configfile $(DEMO) $(SOFTLY)
	demo/where-to-look results

# Spread, so that the ranks of a heart talk across both nodes.
slurm-demo:
	envs/setup.sh slurm
	$(HEARTS) >/dev/null
	export POLYCARDIA_SLURM_STATE=$(CURDIR)/.slurm-cluster/demo # not a cluster that runs already
	trap 'slurm/cluster stop' EXIT
	slurm/cluster start
	SBATCH_SPREAD_JOB=1 slurm/cluster run -- snakemake --workflow-profile slurm --quiet host progress reason rules \
	    --slurm-init-seconds-before-status-checks 5 --configfile $(DEMO) \
	    --config results=results/slurm-demo $(SOFTLY)
	demo/where-to-look results/slurm-demo

# Tests of one core each run side by side; the others start ranks or clusters of their own.
ONE_CORE := tests/unit tests/contract tests/convergence

test: check
	envs/setup.sh dev slurm
	pytest --numprocesses $$(nproc) $(ONE_CORE)
	pytest $(ONE_CORE:%=--ignore=%)

# What needs no computation: format, style, types, the direction of imports, the workflow.
check:
	envs/setup.sh dev
	ruff format --quiet --check . slurm/cluster
	ruff check --quiet . slurm/cluster
	MYPYPATH=slurm mypy --no-error-summary src slurm/cluster
	said=$$(lint-imports 2>&1) || { echo "$$said"; exit 1; }
	said=$$(snakefmt --check Snakefile rules 2>&1) || { echo "$$said"; exit 1; }
	said=$$(snakemake --lint --configfile tests/workflow/lint/config.yaml 2>&1) || { echo "$$said"; exit 1; }

bench: setup
	python tests/benchmark/figures.py

scale: setup
	PYTHONPATH=tests/workflow python tests/benchmark/scale.py

faults:
	envs/setup.sh dev slurm
	PYTHONPATH=tests/workflow python tests/benchmark/faults.py

# Results stay: they may have taken days.
clean:
	[[ ! -d .slurm-cluster ]] || slurm/cluster stop
	rm -rf .slurm-cluster demo/cohort .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
