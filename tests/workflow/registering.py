"""Tells Snakemake that results are a study's own: ``registering.py SNAKEFILE CONFIG [BACKEND]``.

``snakemake --touch`` does so too, but waits 0.1 s for each file.  Here each job of the graph is
said to have begun and ended, in one process, and Snakemake writes the same records.  Run as a
child process, because the Snakefile changes the process that it is read in.
"""

import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.enums import PersistenceBackend, Quietness
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    RemoteExecutionSettings,
    ResourceSettings,
    SchedulingSettings,
    SharedFSUsage,
    StorageSettings,
    WorkflowSettings,
)


def register(snakefile: Path, config: Path, backend: str) -> int:
    """Record every job of the study in this folder and return how many there are."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        parsed = api.workflow(
            ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[config]),
            storage_settings=StorageSettings(shared_fs_usage=SharedFSUsage.all()),
            workflow_settings=WorkflowSettings(
                persistence_backend=PersistenceBackend.parse_choice(backend)
            ),
            snakefile=snakefile,
        )
        parsed.dag(DAGSettings())
        workflow = parsed._workflow
        workflow.execution_settings = ExecutionSettings()
        workflow.remote_execution_settings = RemoteExecutionSettings()
        workflow.scheduling_settings = SchedulingSettings()
        workflow._prepare_dag(forceall=False, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()

        async def record() -> int:
            jobs = [job for job in workflow.dag.jobs if job.output]
            for job in jobs:
                workflow.persistence.started(job)
                await workflow.persistence.finished(job)
            return len(jobs)

        return int(workflow.async_run(record()))


if __name__ == "__main__":
    print(register(Path(sys.argv[1]), Path(sys.argv[2]), (*sys.argv[3:], "file")[0]))
