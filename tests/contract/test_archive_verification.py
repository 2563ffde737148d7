"""`polycardia verify` names every broken promise of docs/archive-format.md."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import add, attribute, drop, put, swap
from solved_hearts import COUNTS, RECORD, SECONDS, VELOCITY_ERRORS, gather, result

from polycardia.errors import BadArchive
from polycardia.io.heart_file import write_heart
from polycardia.io.heart_verification import heart_faults
from polycardia.io.origin import SOLVED, Outcome
from polycardia.study.archive import verify

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
        "tissue", "kernels", "softened_volume", "began", "energy",
        *(f"cost_{name}" for name in (*SECONDS, *COUNTS)),
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
    (drop("VTKHDF/heart_b"), "VTKHDF holds other links than heart_<patient> of the solved hearts"),
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
