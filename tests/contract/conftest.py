import pytest
from solved_hearts import RECORD, result

from polycardia.io.heart_file import write_heart
from polycardia.io.origin import SOLVED, Outcome


@pytest.fixture
def results(tmp_path):
    """Three hearts in two shards, one of them without an answer."""
    folder = tmp_path / "results"
    table = ["patient\tmesh\tsex\tage\tqrs_duration", "b\tm.vtu\tF\t61\t95", "a\tm.vtu\t\t\t"]
    (tmp_path / "m.vtu").write_text("x")
    (tmp_path / "cohort.tsv").write_text("\n".join([*table, "c\tm.vtu\tM\t50\t"]) + "\n")
    write_heart(folder / "hearts" / "a.vtkhdf", result(1), Outcome(SOLVED), RECORD)
    write_heart(folder / "hearts" / "b.vtkhdf", result(2, 40), Outcome(SOLVED), RECORD)
    bad = Outcome("bad_mesh", "3 tetrahedra are flat, need 0")
    write_heart(folder / "hearts" / "c.vtkhdf", None, bad, RECORD)
    return folder
