"""`polycardia prune` leaves the hearts alone that an archive still leads to."""

from solved_hearts import gather

from polycardia.io.seal import sealed_file
from polycardia.study.archive import verify
from polycardia.study.prune import delete, leftovers, sentences


def test_patients_in_the_archive_wait_for_its_next_run(results):
    gather(results, shards=1)
    for name in ("b", "old"):
        (results / "work" / name).mkdir(parents=True)
        with sealed_file(results / "work" / name / "prepared.h5") as part:
            part.write_text("x")
    found = leftovers(results, {"a"}, shards=1)
    assert found.waiting == ["b", "c"]
    assert [str(one.place) for one in found.files] == ["work/old/prepared.h5", "work/old"]
    assert list(sentences(found))[-1] == (
        "2 patients have left the table and are still in the archive, "
        "whose next run takes them out: b, c"
    )
    delete(results, found)
    assert verify(results) == 3


def test_after_that_run_what_is_left_of_them_goes(results):
    gather(results, shards=1)
    table = results.parent / "cohort.tsv"
    table.write_text("patient\tmesh\na\tm.vtu\n")
    gather(results, shards=1)
    found = leftovers(results, {"a"}, shards=1)
    assert found.waiting == []
    assert [str(one.place) for one in found.files] == ["removed/b.vtkhdf", "removed/c.vtkhdf"]
    delete(results, found)
    assert verify(results) == 1
    assert list((results / "removed").iterdir()) == []
