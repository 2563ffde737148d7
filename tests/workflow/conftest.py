from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_cluster import Cluster, running
from tiny_cohort import Ran, Row, Study, new_study, synthetic_rows


@pytest.fixture(scope="session")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Rows of the cohort table for four hearts, s0001 to s0004."""
    return synthetic_rows(tmp_path_factory.mktemp("hearts"))


@pytest.fixture(scope="session")
def fresh_run(tmp_path_factory: pytest.TempPathFactory, hearts: list[Row]) -> tuple[Study, Ran]:
    """A study of the first three hearts and the run that computed it, for reading only."""
    study = new_study(tmp_path_factory.mktemp("finished"), hearts[:3])
    ran = study.run()
    assert ran.status == 0, ran.output
    return study, ran


@pytest.fixture(scope="session")
def finished(fresh_run: tuple[Study, Ran]) -> Study:
    """A computed study of three hearts, for reading only."""
    return fresh_run[0]


@pytest.fixture
def study(finished: Study, tmp_path: Path) -> Study:
    """A copy of the computed study, for changing."""
    return finished.copy(tmp_path / "study")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A SLURM of two nodes, of the module's tests alone."""
    with running(tmp_path_factory.mktemp("cluster") / "state") as started:
        yield started
