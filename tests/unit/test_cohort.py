from pathlib import Path

import pytest

from polycardia.cohort import Source, clinical_digest_of, read_cohort, shard_of
from polycardia.errors import BadStudy


@pytest.fixture
def table(tmp_path):
    folder = tmp_path / "cohort"
    folder.mkdir()
    (folder / "a.vtu").write_text("mesh")
    (folder / "b c.vtu").write_text("mesh")
    (folder / "empty").mkdir()
    (folder / "surfs").mkdir()
    for name in ("h.pts", "h.lv_endo.surf", "h.epi.surf"):
        (folder / "surfs" / name).touch()
    (tmp_path / "outside.vtu").write_text("mesh")

    def write(*lines: str):
        path = folder / "cohort.tsv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def faults_of(path, **options):
    with pytest.raises(BadStudy) as raised:
        read_cohort(path, **options)
    return str(raised.value).splitlines()


def test_a_good_table_is_read_and_sorted(table):
    path = table(
        "patient\tmesh\tunits\tsex\tage\theart_rate",
        "p2\ta.vtu\tmm\tF\t61.5\t",
        "",
        "p1\tb c.vtu\t\t\t\t70",
    )
    patients = read_cohort(path)
    assert list(patients) == ["p1", "p2"]
    assert patients["p2"].source.units == "mm"
    assert patients["p2"].clinical == {"age": 61.5}
    assert patients["p2"].sex == "F"
    assert patients["p1"].source.mesh == path.parent / "b c.vtu"
    assert patients["p1"].clinical == {"heart_rate": 70.0}


@pytest.mark.parametrize(
    ("header", "row", "column", "found", "expected"),
    [
        ("patient\tmesh", "p 1\ta.vtu", "patient", "'p 1'", "1 to 64 of A-Z a-z 0-9 _ -"),
        ("patient\tmesh", "../p\ta.vtu", "patient", "'../p'", "1 to 64"),
        ("patient\tmesh", "\ta.vtu", "patient", "''", "1 to 64"),
        ("patient\tmesh", f"{'p' * 65}\ta.vtu", "patient", "ppp", "1 to 64"),
        ("patient\tmesh", "p1\tnone.vtu", "mesh", "'none.vtu'", "a file that exists"),
        ("patient\tmesh", "p1\t", "mesh", "''", "a path relative to the table"),
        ("patient\tmesh", "p1\t{patient}.vtu", "mesh", "'{patient}.vtu'", "without { and }"),
        ("patient\tmesh", "p1\t.", "mesh", "'.'", "a file that exists"),
        ("patient\tmesh", "p1\t../outside.vtu", "mesh", "outside", "inside the table's folder"),
        ("patient\tmesh", "p1\t/etc/hostname", "mesh", "/etc/hostname", "meshes_outside"),
        ("patient\tmesh\tsurfaces", "p1\ta.vtu\tno.vtp", "surfaces", "'no.vtp'", "exists"),
        ("patient\tmesh\tunits", "p1\ta.vtu\tinch", "units", "'inch'", "one of m, cm, mm, um"),
        ("patient\tmesh\tsex", "p1\ta.vtu\tfemale", "sex", "'female'", "one of F, M"),
        ("patient\tmesh\tage", "p1\ta.vtu\t-5", "age", "'-5'", "0 to 130 [y]"),
        ("patient\tmesh\tage", "p1\ta.vtu\tnan", "age", "'nan'", "0 to 130 [y]"),
        ("patient\tmesh\tage", "p1\ta.vtu\tinf", "age", "'inf'", "0 to 130 [y]"),
        ("patient\tmesh\tage", "p1\ta.vtu\t1_0", "age", "'1_0'", "in plain decimals from 0"),
        ("patient\tmesh\tage", "p1\ta.vtu\t\uff16\uff11", "age", "\uff16", "in plain decimals"),
        ("patient\tmesh\tage", "p1\ta.vtu\t6e1", "age", "'6e1'", "in plain decimals"),
        ("patient\tmesh\tsurfaces", "p1\ta.vtu\tempty", "surfaces", "'empty'", "a folder or"),
        ("patient\tmesh\tfibres", "p1\ta.vtu\tempty", "fibres", "'empty'", "a file that exists"),
        ("patient\tmesh\tfibres", "p1\ta.vtu\tsurfs/h", "fibres", "'surfs/h'", "a file that"),
        ("patient\tmesh\theight", "p1\ta.vtu\t1.8", "height", "'1.8'", "20 to 280 [cm]"),
        ("patient\tmesh\tage", "p1\ta.vtu", "cells", "'2'", "3, one for each column"),
    ],
)
def test_a_fault_names_row_column_found_and_allowed(table, header, row, column, found, expected):
    path = table(header, "good\ta.vtu" + "\t" * (header.count("\t") - 1), row)
    faults = faults_of(path)
    assert len(faults) == 1
    assert f"row 3: {column}: found" in faults[0]
    assert found in faults[0]
    assert expected in faults[0]


@pytest.mark.parametrize("surfaces", ["surfs", "surfs/h", "surfs/h.epi.surf"])
def test_surfaces_may_be_a_file_a_folder_or_a_common_beginning(table, surfaces):
    path = table("patient\tmesh\tsurfaces", f"p1\ta.vtu\t{surfaces}")
    source = read_cohort(path)["p1"].source
    assert source.surfaces == path.parent / surfaces
    assert path.parent / "surfs" / "h.epi.surf" in source.files()


def test_all_faults_are_named_at_once(table):
    path = table("patient\tmesh\tage", "p1\ta.vtu\t-1", "p1\tnone.vtu\t200", "p?\ta.vtu\t")
    assert len(faults_of(path)) == 5


def test_a_duplicate_names_the_first_row(table):
    path = table("patient\tmesh", "p1\ta.vtu", "P1\ta.vtu")
    assert "row 3: patient: found 'P1', expected an id that row 2 has not" in faults_of(path)[0]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("patient\tmesh\tweigth", "found column 'weigth', allowed are patient, mesh"),
        ("patient", "no column 'mesh'"),
        ("patient\tmesh\tmesh", "found column 'mesh' 2 times"),
    ],
)
def test_the_header_is_checked(table, header, sentence):
    assert sentence in faults_of(table(header, "p1\ta.vtu"))[0]


def test_a_table_without_patients_or_file_is_refused(table, tmp_path):
    assert "found no patient" in faults_of(table("patient\tmesh"))[0]
    assert "No such file" in faults_of(tmp_path / "missing.tsv")[0]


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "cohort.tsv"
    path.write_bytes(b"patient\tmesh\n\xff\xfe\t1\n")
    assert "not UTF-8" in faults_of(path)[0]


def test_a_link_out_of_the_folder_needs_permission_too(table):
    path = table("patient\tmesh", "p1\tlink.vtu")
    (path.parent / "link.vtu").symlink_to(path.parent.parent / "outside.vtu")
    assert "inside the table's folder" in faults_of(path)[0]
    assert list(read_cohort(path, meshes_outside=True)) == ["p1"]


def test_a_folder_that_leads_outside_is_followed_for_every_row(table):
    path = table("patient\tmesh", "p1\ta.vtu", "p2\tsub/m.vtu", "p3\tsub/n.vtu", "p4\tempty/..")
    other = path.parent.parent / "other"
    other.mkdir()
    for name in ("m.vtu", "n.vtu"):
        (other / name).touch()
    (path.parent / "sub").symlink_to(other)
    faults = faults_of(path)
    assert ["row 3: mesh" in faults[0], "row 4: mesh" in faults[1]] == [True, True]
    assert all("inside the table's folder" in fault for fault in faults[:2])
    assert "found 'empty/..', expected a file that exists" in faults[2]


def test_a_job_looks_for_no_file(table, monkeypatch):
    path = table("patient\tmesh\tage", "p1\tgone.vtu\t40", "p2\t../gone.vtu\t41")
    asked = []
    for name in ("stat", "resolve", "is_file", "is_dir", "is_symlink"):
        monkeypatch.setattr(Path, name, lambda self, *_, **__: asked.append(self))
    patients = read_cohort(path, files_known=True)
    assert asked == []
    assert patients["p1"].source.mesh == path.parent / "gone.vtu"
    assert patients["p2"].clinical == {"age": 41.0}


def test_rows_of_others_are_neither_read_nor_checked(table):
    path = table("patient\tmesh\tage", "p1\ta.vtu\t40", "p2\tgone.vtu\t-7", "p2\t\t")
    assert list(read_cohort(path, only=lambda name: name == "p1")) == ["p1"]
    assert read_cohort(path, only=lambda name: name == "p3") == {}
    with pytest.raises(BadStudy, match="row 3: age"):
        read_cohort(path, only=lambda name: name == "p2")


def test_a_huge_cell_is_refused_and_not_repeated(table):
    faults = faults_of(table("patient\tmesh", f"p1\t{'x' * 50_000}"))
    assert all(len(fault) < 400 for fault in faults)


def test_source_travels_as_json(table):
    path = table("patient\tmesh\tunits", "p1\tb c.vtu\tum")
    source = read_cohort(path)["p1"].source
    assert Source.from_json(source.to_json()) == source
    with pytest.raises(BadStudy):
        Source.from_json("[]")


def test_clinical_values_change_the_digest_and_meshes_do_not(table):
    def digest(*row):
        path = table("patient\tmesh\tage", "\t".join(row))
        return clinical_digest_of(read_cohort(path).values())

    assert digest("p1", "a.vtu", "60") == digest("p1", "b c.vtu", "60")
    assert digest("p1", "a.vtu", "60") != digest("p1", "a.vtu", "61")


def test_shards_do_not_depend_on_the_rest_of_the_cohort():
    numbers = [shard_of(f"p{k:03d}", 32) for k in range(2000)]
    assert numbers == [shard_of(f"p{k:03d}", 32) for k in range(2000)]
    counts = [numbers.count(shard) for shard in range(32)]
    assert min(counts) > 35
    assert max(counts) < 95
