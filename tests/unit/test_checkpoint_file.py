"""A checkpoint is whole or found out: cut off, changed anywhere, or killed while written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from polycardia.errors import BadArchive
from polycardia.io.checkpoint_file import (
    BLOCK,
    CheckpointFile,
    digest_of_contents,
    discard_checkpoint,
    require_whole,
    write_checkpoint,
)

ABOUT = {"mark": {"tick": 8, "n_ranks": 2}, "run": {"numerics.dt": 0.1, "heart": "ab" * 32}}
ARRAYS = {
    "voltage": np.linspace(-80.0, 20.0, 101),
    "recorded/activation/up": np.arange(101) % 3 == 0,
    "recorded/captures/counts": np.array([[3, 4], [5, 6]]),
    "recorded/electrogram/potentials": np.random.default_rng(1).normal(size=(3, 2, 40)),
    "nobody": np.empty((2, 0)),
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "work [1]" / "checkpoint.h5"
    write_checkpoint(path, ABOUT, ARRAYS.items())
    return path


def test_it_gives_back_what_it_took(written: Path) -> None:
    require_whole(written)
    with CheckpointFile(written) as file:
        assert file.about == ABOUT
        for name, array in ARRAYS.items():
            for first, last in ((0, len(array)), (1, 2), (2, 2)):
                rows = file.rows(name, first, last)
                assert rows.dtype == array.dtype
                assert memoryview(rows).format == memoryview(array).format, "MPI reads this"
                np.testing.assert_array_equal(rows, array[first:last])
        np.testing.assert_array_equal(file.sum("recorded/captures/counts"), [8, 10])
    assert written.stat().st_mode & 0o777 == 0o640


def boundaries(path: Path) -> set[int]:
    """Where datasets begin and end in the file."""
    found = set()

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
            found.update((item.id.get_offset(), item.id.get_offset() + item.id.get_storage_size()))

    with h5py.File(path) as file:
        file.visititems(add)
    return {BLOCK + place for place in found} | found


def test_cut_off_anywhere_it_is_found_out(written: Path) -> None:
    whole = written.read_bytes()
    at = boundaries(written)
    assert len(at) > 2 * len(ARRAYS)
    places = {*range(0, len(whole), 512), *at, *range(BLOCK), len(whole) - 1}
    for place in sorted(place for place in places if place < len(whole)):
        written.write_bytes(whole[:place])
        with pytest.raises(BadArchive, match="checkpoint"):
            require_whole(written)
    written.write_bytes(whole + b"\0")
    with pytest.raises(BadArchive, match="damaged"):
        require_whole(written)
    written.write_bytes(whole)
    require_whole(written)


def test_a_changed_byte_is_found_out(written: Path) -> None:
    whole = written.read_bytes()
    chance = np.random.default_rng(3).integers(len(whole), size=300)
    for place in {*range(BLOCK), *map(int, chance)}:
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        written.write_bytes(changed)
        with pytest.raises(BadArchive, match="checkpoint"):
            require_whole(written)


def test_what_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.h5"
    with pytest.raises(BadArchive, match="No such file"):
        require_whole(path)
    with h5py.File(path, "w") as file:
        file["voltage"] = np.zeros(1000)
    with pytest.raises(BadArchive, match="not a checkpoint"):
        require_whole(path)


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from polycardia.io.checkpoint_file import write_checkpoint

def arrays():
    yield "voltage", np.zeros(100_000)
    os.kill(os.getpid(), signal.SIGKILL)

write_checkpoint(Path(sys.argv[1]), {}, arrays())
"""


def test_killed_while_it_is_written_it_leaves_the_older_one(written: Path) -> None:
    older = written.read_bytes()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(written)]
    assert subprocess.run(command, timeout=60, env=environment).returncode == -signal.SIGKILL
    assert written.read_bytes() == older
    require_whole(written)
    assert len(list(written.parent.iterdir())) == 2
    discard_checkpoint(written)
    discard_checkpoint(written)
    assert list(written.parent.iterdir()) == []


def test_the_digest_of_contents_sees_data_and_not_who_wrote_it(tmp_path: Path) -> None:
    def digest(name: str, host: str, points: list[float]) -> str:
        with h5py.File(tmp_path / name, "w") as file:
            file.create_group("provenance").attrs["host"] = host
            file["mesh/points"] = points
        return digest_of_contents(tmp_path / name)

    first = digest("a.h5", "one", [1.0, 2.0])
    assert digest("b.h5", "other", [1.0, 2.0]) == first
    assert digest("c.h5", "one", [1.0, np.nextafter(2.0, 3.0)]) != first


# HDF5 that finds no room may end the process, and may tell of it only when it ends.
FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from polycardia.io.checkpoint_file import require_whole, write_checkpoint
path = Path(sys.argv[1])
write_checkpoint(path, {"about": "before"}, [("a", np.zeros(10))])
whole = path.read_bytes()
large = [("a", np.ones(500_000))]
in_the_middle = [("a", np.ones(5_000)), ("b", np.ones(500_000)), ("c", np.ones(5_000))]
many_small = [(f"a/{number}", np.ones(1_000)) for number in range(500)]
at_most = lambda n: resource.setrlimit(resource.RLIMIT_FSIZE, (n, resource.RLIM_INFINITY))
for arrays in (large, in_the_middle, many_small):
    at_most(2_000_000)
    try:
        write_checkpoint(path, {}, arrays)
    except OSError as error:
        print(error.strerror)
    at_most(resource.RLIM_INFINITY)
    assert path.read_bytes() == whole
write_checkpoint(path, {}, many_small)
require_whole(path)
print(sorted(file.name for file in path.parent.iterdir()))
"""


def test_where_there_is_no_room_the_last_one_stays_and_the_process_goes_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "c.h5")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["File too large"] * 3 + ["['c.h5']"]
    assert done.stderr == ""
