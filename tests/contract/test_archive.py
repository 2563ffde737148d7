"""The files keep the promises of docs/archive-format.md, read by h5py and VTK alone."""

import re
import stat
from pathlib import Path

import h5py
import numpy as np
import pytest
import pyvista

from polycardia.cohort import Patient, Source
from polycardia.errors import BadArchive, BadStudy
from polycardia.io.heart_file import HeartResult, write_heart
from polycardia.io.heart_verification import heart_faults
from polycardia.io.origin import SOLVED, Outcome
from polycardia.io.packing import pack
from polycardia.physics.slab import slab_mesh
from polycardia.provenance import origin
from polycardia.study.archive import archive, shard, verify

ELECTRODES = ("RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
VELOCITY_ERRORS = {
    f"numerical_velocity_error_{what}": (0.04, "1")
    for what in ("along", "along_p95", "across", "across_p95", "unknown")
}
RECORD = {**origin("{}"), "mesh_sha256": "0" * 64, "ranks": 2, "seconds": 1.0, "memory": 1}
RECORD |= {"mended": "[]", "labels_from": "geometry", "fibres_from": "rule"}
RECORD |= {"tissue": "{}"}
SECONDS = ("reaction", "front", "diffusion", "halo", "output", "control", "processor")
COUNTS = (
    "n_nodes", "n_ranks", "n_steps", "n_large_steps", "stages", "exchanges", "messages",
    "message_bytes", "memory",
)  # fmt: skip
RECORD |= {f"cost_{part}": 0.1 for part in SECONDS} | {f"cost_{name}": 7 for name in COUNTS}


def result(seed, n_samples=50):
    random = np.random.default_rng(seed)
    mesh = slab_mesh(1.5)
    potentials = random.normal(size=(9, n_samples))
    right, left, foot = potentials[:3]
    limbs = [left - right, foot - right, foot - left]
    limbs += [right - (left + foot) / 2, left - (right + foot) / 2, foot - (right + left) / 2]
    chest = potentials[3:] - (right + left + foot) / 3
    activation = random.uniform(0.0, 90.0, len(mesh.points))
    return HeartResult(
        mesh=mesh,
        point_fields={"activation_time": activation, "repolarisation_time": activation + 300.0},
        cell_fields={
            "fibre": mesh.fibre,
            "sheet": np.roll(mesh.fibre, 1, axis=1),
            "region": mesh.region.astype(np.int32),
        },
        axes=np.eye(3),
        units={"activation_time": "ms", "repolarisation_time": "ms"},
        leads=np.concatenate([limbs, chest]).astype(np.float32),
        sampling_interval=1.0,
        electrode_names=ELECTRODES,
        electrodes=random.normal(size=(10, 3)),
        measures={
            "qrs_duration": (90.0 + seed, "ms"),
            "qt_interval": (400.0, "ms"),
            "total_activation_time": (float(np.ptp(activation)), "ms"),
            **VELOCITY_ERRORS,
            "under_resolved": (1.0 if seed == 2 else 0.0, "1"),
        },
    )


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


def gather(results, *, shards=2, most_failed=1.0):
    files = []
    for number in range(shards):
        file = results / "shards" / f"{number}.h5"
        try:
            shard(
                results.parent / "cohort.tsv",
                results / "hearts",
                number=number,
                shards=shards,
                output=file,
            )
            files.append(file)
        except BadStudy:
            continue  # nobody hashes to this shard
    archive(files, most_failed=most_failed, output=results / "cohort.h5")


@pytest.mark.parametrize("shards", [1, 2, 32])
def test_archive_holds_every_patient_sorted(results, shards):
    gather(results, shards=shards)
    with h5py.File(results / "cohort.h5") as file:
        patients = file["patients"]
        assert list(patients["patient"].asstr()) == ["a", "b", "c"]
        assert list(patients["status"].asstr()) == ["solved", "solved", "bad_mesh"]
        assert patients["detail"].asstr()[2] == "3 tetrahedra are flat, need 0"
        np.testing.assert_array_equal(patients["age"], [np.nan, 61.0, 50.0])
        assert patients["age"].attrs["unit"] == "y"
        np.testing.assert_array_equal(patients["qrs_duration"], [np.nan, 95.0, np.nan])
        np.testing.assert_array_equal(patients["simulated_qrs_duration"], [91.0, 92.0, np.nan])
        np.testing.assert_array_equal(patients["simulated_under_resolved"], [0.0, 1.0, np.nan])
        assert file["ecg/leads"].shape == (3, 12, 50)
        np.testing.assert_array_equal(file["ecg/leads"][1, :, :40], result(2, 40).leads)
        assert np.isnan(file["ecg/leads"][1, :, 40:]).all()
        assert np.isnan(file["ecg/leads"][2]).all()
        assert file["hearts/b/measures/qrs_duration"][()] == 92.0


def test_promises_are_kept(results):
    gather(results)
    assert verify(results) == 3


def test_vtk_reads_a_heart_and_the_whole_cohort(results):
    gather(results)
    grid = pyvista.read(results / "hearts" / "a.vtkhdf")
    expected = result(1)
    np.testing.assert_allclose(grid.points, expected.mesh.points, rtol=1e-6)
    np.testing.assert_array_equal(grid.cells_dict[10], expected.mesh.tetrahedra)
    np.testing.assert_allclose(
        grid["activation_time"], expected.point_fields["activation_time"], rtol=1e-6
    )
    blocks = pyvista.read(results / "cohort.h5", force_ext=".vtkhdf")
    assert blocks.keys() == ["a", "b"]
    assert blocks["b"].n_cells == grid.n_cells


def put(name, index, value):
    def damage(file):
        file[name][index] = value

    return damage


def drop(name):
    def damage(file):
        del file[name]

    return damage


def swap(name, **change):
    """Replace a dataset by another one; its attributes stay."""

    def damage(file):
        attributes = dict(file[name].attrs)
        values = file[name][()]
        del file[name]
        file.create_dataset(name, **{"data": values, **change}).attrs.update(attributes)

    return damage


def attribute(name, key, value=None):
    """Change an attribute, or drop it."""

    def damage(file):
        del file[name].attrs[key]
        if value is not None:
            file[name].attrs[key] = value

    return damage


def add(name, key, value):
    def damage(file):
        file[name].attrs[key] = value

    return damage


POINT, CELL = "VTKHDF/PointData", "VTKHDF/CellData"
DAMAGED_HEARTS = [
    (put(f"{POINT}/activation_time", 3, np.nan), "activation_time is not finite"),
    (put(f"{CELL}/fibre", 0, 2.0), "fibre vectors are 1 to 3.46 long"),
    (put(f"{CELL}/sheet", 0, 0.0), "sheet vectors are 0 to 1 long"),
    (put("VTKHDF/FieldData/axes", 0, 0.5), "axes are not orthonormal"),
    (put("VTKHDF/Connectivity", 0, 10**6), "Connectivity names node 1000000"),
    (put("VTKHDF/Types", 0, 12), "other cells than tetrahedra"),
    (put("ecg/leads", (1, 5), 1e3), "limb leads contradict"),
    (put("ecg/leads", (8, 5), np.nan), "ecg/leads are not finite"),
    (drop("measures/qt_interval"), "measures lack qt_interval"),
    *((drop(f"measures/{name}"), f"measures lack {name}") for name in VELOCITY_ERRORS),
    (drop("measures/under_resolved"), "measures lack under_resolved"),
    (put("measures/under_resolved", (), 0.5), "under_resolved is 0.5, expected 0 or 1"),
    (drop(f"{CELL}/region"), "CellData/region is missing"),
    (drop("VTKHDF/FieldData/axes"), "FieldData/axes is missing"),
    (drop("ecg/electrodes"), "electrodes"),
    (swap("VTKHDF/Points", dtype="f8"), "Points is float64, expected float32"),
    (swap(f"{CELL}/region", dtype="i8"), "region is int64, expected int32"),
    (swap(f"{CELL}/sheet", data=np.ones((2, 3), "f4")), r"sheet is \(2, 3\), expected"),
    (swap(f"{POINT}/activation_time", compression="lzf"), "filter that VTK does not read"),
    (swap(f"{POINT}/repolarisation_time", data=np.ones(2, "f4")), r"\(2,\) rows, expected"),
    (attribute("VTKHDF/Points", "unit"), "Points has unit None, expected mm"),
    (attribute(f"{POINT}/activation_time", "unit", "s"), "activation_time has unit s, expected ms"),
    (attribute(f"{POINT}/repolarisation_time", "unit"), "repolarisation_time has unit None"),
    (attribute("ecg/leads", "unit"), "ecg/leads has unit None, expected mV"),
    (attribute("ecg/electrodes", "unit", "m"), "ecg/electrodes has unit m, expected mm"),
    (attribute("measures/qt_interval", "unit"), "measures/qt_interval has no unit"),
    (attribute("ecg", "names", ["V1"] * 12), "not named in the standard order"),
    (attribute("provenance", "mended", "none"), "mended is 'none', expected a JSON list"),
    *((attribute("provenance", name), f"provenance lacks {name}") for name in (
        "mesh_sha256", "scheduler_nodes", "h5py_version", "mended", "labels_from", "fibres_from",
        "tissue", *(f"cost_{name}" for name in (*SECONDS, *COUNTS)),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "sentence"), DAMAGED_HEARTS)
def test_verify_names_what_is_broken_in_a_heart(results, damage, sentence):
    heart = results / "hearts" / "a.vtkhdf"
    with h5py.File(heart, "r+") as file:
        damage(file)
    assert any(re.search(sentence, fault) for fault in heart_faults(heart))
    assert list(heart_faults(results / "hearts" / "b.vtkhdf")) == []


DAMAGED_ARCHIVES = [
    (add("/", "format_version", 2), "not a polycardia cohort of version 1"),
    (attribute("provenance", "git_revision"), "provenance lacks git_revision"),
    (attribute("patients/age", "unit"), "patients/age has no unit"),
    (attribute("patients/simulated_qrs_duration", "unit"), "simulated_qrs_duration has no unit"),
    (drop("patients/heart_rate"), "patients/heart_rate is missing"),
    (drop("patients/simulated_qt_interval"), "patients/simulated_qt_interval is missing"),
    (put("patients/simulated_qrs_duration", 1, 7.0), "simulated_qrs_duration of b differs"),
    (put("patients/simulated_qrs_duration", 2, 7.0), "simulated_qrs_duration of c differs"),
    (put("patients/sex", 0, "X"), "sex holds 'X', expected F, M or nothing"),
    (put("patients/status", 0, "diverged"), "status of a differs from its heart's"),
    (put("patients/detail", 2, "?"), "detail of c differs from its heart's"),
    (put("patients/patient", 0, "d"), "not sorted"),
    (put("ecg/leads", (1, 3, 7), 9.0), "ECG of b differs from its heart's"),
    (put("ecg/leads", (1, 3, 45), 0.0), "ECG of b goes on behind its heart's, expected NaN"),
    (put("ecg/leads", (2, 0, 0), 0.0), "ECG of c goes on behind its heart's, expected NaN"),
    (swap("ecg/leads", chunks=(3, 12, 50)), "chunks .*, expected one a patient"),
    (swap("ecg/leads", dtype="f8"), "ecg/leads is float64, expected float32"),
    (attribute("ecg/leads", "unit"), "ecg/leads has unit None, expected mV"),
    (attribute("ecg", "names", ["V1"] * 12), "not named in the standard order"),
    (attribute("ecg", "sampling_interval", 2.0), "sampling_interval of a differs"),
    (drop("hearts"), "'hearts' doesn't exist"),
    (drop("patients"), "'patients' doesn't exist"),
    (drop("hearts/b"), "hearts are others than the patients"),
    (attribute("VTKHDF", "Type", np.bytes_("ImageData")), "expected MultiBlockDataSet"),
    (drop("VTKHDF/Assembly/b"), "Assembly holds other blocks than the solved hearts"),
    (lambda file: file.move("VTKHDF/Assembly/b", "VTKHDF/Assembly/c"), "holds other blocks"),
]


@pytest.mark.parametrize(("damage", "sentence"), DAMAGED_ARCHIVES)
def test_verify_names_what_is_broken_in_the_archive(results, damage, sentence):
    gather(results)
    with h5py.File(results / "cohort.h5", "r+") as file:
        damage(file)
    with pytest.raises(BadArchive, match=sentence):
        verify(results)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (h5py.SoftLink("/hearts/c/VTKHDF"), "VTKHDF/Assembly/b leads nowhere"),
        (h5py.SoftLink("/hearts/b/ecg"), "VTKHDF/Assembly/b leads nowhere"),
        (h5py.SoftLink("/VTKHDF"), "is of type b'MultiBlockDataSet', expected UnstructuredGrid"),
    ],
)
def test_verify_follows_the_view_to_every_heart(results, target, sentence):
    gather(results)
    with h5py.File(results / "cohort.h5", "r+") as file:
        del file["VTKHDF/Assembly/b"]
        file["VTKHDF/Assembly/b"] = target
    with pytest.raises(BadArchive, match=sentence):
        verify(results)


def test_verify_sees_a_link_to_another_patients_heart(results):
    gather(results)
    with h5py.File(results / "cohort.h5", "r+") as file:
        del file["hearts/b"]
        file["hearts/b"] = h5py.ExternalLink("hearts/a.vtkhdf", "/")
    with pytest.raises(BadArchive, match=r"hearts/b is no link to hearts/b\.vtkhdf"):
        verify(results)


@pytest.mark.parametrize("name", ["cohort.h5", "hearts/a.vtkhdf", "shards/0.h5"])
def test_verify_sees_a_file_that_others_may_read(results, name):
    gather(results, shards=1)
    (results / name).chmod(0o644)
    with pytest.raises(BadArchive, match=f"^{Path(name).name}: has mode 644, expected no access"):
        verify(results)


def test_verify_sees_a_heart_that_is_newer_gone_or_strange(results):
    gather(results)
    write_heart(results / "hearts" / "a.vtkhdf", result(7), Outcome(SOLVED), RECORD)
    (results / "hearts" / "b.vtkhdf").rename(results / "hearts" / "d.vtkhdf")
    with pytest.raises(BadArchive) as raised:
        verify(results)
    assert "a.vtkhdf: is not the file that the archive was made from" in str(raised.value)
    assert "b.vtkhdf: missing" in str(raised.value)
    assert "d.vtkhdf: belongs to no patient" in str(raised.value)


def test_a_packed_archive_stands_alone(results, tmp_path):
    gather(results)
    assert pack(results / "cohort.h5", tmp_path / "packed.h5") == 3
    (results / "hearts" / "a.vtkhdf").unlink()
    with h5py.File(tmp_path / "packed.h5") as file:
        assert file["hearts/a/measures/qrs_duration"][()] == 91.0
        assert file["hearts/c/outcome"].attrs["status"] == "bad_mesh"
    assert pyvista.read(tmp_path / "packed.h5", force_ext=".vtkhdf")["a"].n_points == len(
        result(1).mesh.points
    )


def test_hearts_of_nobody_are_moved_aside(results):
    write_heart(results / "hearts" / "gone.vtkhdf", result(3), Outcome(SOLVED), RECORD)
    gather(results)
    assert not (results / "hearts" / "gone.vtkhdf").exists()
    assert (results / "removed" / "gone.vtkhdf").exists()
    assert verify(results) == 3


def test_a_sentence_with_a_nul_is_recorded(results):
    write_heart(results / "hearts" / "c.vtkhdf", None, Outcome("bad_mesh", "a\x00b"), RECORD)
    gather(results)
    with h5py.File(results / "cohort.h5") as file:
        assert file["patients/detail"].asstr()[2] == "a?b"


def test_packing_without_a_heart_is_refused_and_leaves_nothing(results, tmp_path):
    gather(results)
    (results / "hearts" / "a.vtkhdf").unlink()
    with pytest.raises(BadArchive, match="hearts/a"):
        pack(results / "cohort.h5", tmp_path / "packed.h5")
    assert not list(tmp_path.glob("*packed*"))


def test_too_many_failures_fail_the_archive(results):
    with pytest.raises(BadStudy, match="1 of 3 hearts have no answer"):
        gather(results, most_failed=0.3)
    gather(results, most_failed=0.34)


def test_files_are_private(results):
    gather(results)
    for path in (results / "cohort.h5", results / "hearts" / "a.vtkhdf"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_an_interrupted_write_leaves_the_old_file(results):
    heart = results / "hearts" / "a.vtkhdf"
    before = heart.read_bytes()
    with pytest.raises(TypeError):
        write_heart(heart, result(5), Outcome(SOLVED), {**RECORD, "seconds": object()})
    assert heart.read_bytes() == before
    assert [path.name for path in heart.parent.iterdir() if path.name.startswith(".")] == []


def test_clinical_source_has_no_place_in_a_heart():
    patient = Patient("a", Source(mesh="m"), "F", {"age": 61.0})
    assert "61" not in patient.source.to_json()
