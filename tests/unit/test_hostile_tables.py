"""Cohort tables and settings of somebody who wants them to reach further than they should."""

import gzip
import io
import os
import resource
import time
import zipfile
from pathlib import Path

import pytest

from polycardia.cohort import read_cohort
from polycardia.config import read_study
from polycardia.errors import BadStudy
from polycardia.table_text import MAX_LINES

HEADER = "patient\tmesh\n"
LONGEST = 400  # [characters] of a sentence
ADDRESSES = 4 << 30  # [bytes] of a process's memory in these tests


@pytest.fixture(autouse=True)
def limited():
    """Let a table or a file that fills the memory fail here, and not the machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def folder(tmp_path):
    inner = tmp_path / "cohort"
    inner.mkdir()
    (inner / "a.vtu").write_text("mesh")
    (tmp_path / "outside.vtu").write_text("mesh")
    return inner


def refused(path, **options):
    """Return the sentences that a table is refused with, in seconds."""
    began = time.process_time()
    with pytest.raises(BadStudy) as raised:
        read_cohort(path, **options)
    assert time.process_time() - began < 10.0
    lines = str(raised.value).splitlines()
    assert max(map(len, lines)) < LONGEST
    return lines


def table(folder, content):
    path = folder / "cohort.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "identifier",
    [
        "..", ".", "/abs", "a/b", "a\\b", "a\0b", "$(touch x)", "`touch x`", "a;b", "a|b", "a&b",
        "a'b", 'a"b', "a b", "\u0430bc", "\u202eabc", "\u200babc", "\uff41bc", "~", "x" * 256,
        "con.txt", "a\u2028b", "a\x0bb", "{patient}", "*", "=1+1", "@x", "-rf", "--help", "-",
        "CON", "nul", "Com1", "lpt9",
    ],
)  # fmt: skip
def test_ids_that_could_mean_anything_else_are_refused(folder, identifier):
    (fault,) = refused(table(folder, f"{HEADER}{identifier}\ta.vtu\n"))
    assert "row 2: patient: found " in fault
    assert fault.isprintable()


@pytest.mark.parametrize("identifier", ["console", "com10", "a-", "_"])
def test_ids_that_only_look_so_are_read(folder, identifier):
    assert list(read_cohort(table(folder, f"{HEADER}{identifier}\ta.vtu\n"))) == [identifier]


@pytest.mark.parametrize("column", ["mesh", "surfaces", "fibres"])
@pytest.mark.parametrize(
    "text",
    [
        "../outside.vtu", "/etc/passwd", "sub/../../outside.vtu", "to_secret.vtu", "to_zero.vtu",
        "pipe.vtu", "to_memory.vtu", "sub", "to_itself.vtu", "x" * 300, "y/" * 2000,
        "a\x1b[2J.vtu", "\u202e.vtu", "a\0.vtu", "~/a.vtu", "$HOME/a.vtu", "a.vtu/..", "{patient}",
    ],
)  # fmt: skip
def test_paths_out_of_the_folder_or_to_no_file_are_refused(folder, column, text):
    (folder / "sub").mkdir()
    (folder / "to_secret.vtu").symlink_to("/etc/passwd")
    (folder / "to_zero.vtu").symlink_to("/dev/zero")
    (folder / "to_memory.vtu").symlink_to("/proc/self/mem")
    (folder / "to_itself.vtu").symlink_to("to_itself.vtu")
    os.mkfifo(folder / "pipe.vtu")
    row = {"mesh": "a.vtu"} | {column: text}
    names = "\t".join(["patient", *row])
    (fault,) = refused(table(folder, f"{names}\np\t{chr(9).join(row.values())}\n"))
    assert f"row 2: {column}: found " in fault
    assert fault.isprintable()


def test_files_that_belong_to_a_mesh_do_not_leave_the_folder_either(folder):
    (folder / "h.pts").write_text("0\n")
    (folder / "h.elem").symlink_to("/etc/passwd")
    (folder / "s").mkdir()
    (folder / "s" / "lv_endo.surf").symlink_to(folder.parent / "outside.vtu")
    (folder / "x.xdmf").write_text("<Xdmf>../y.h5:/points</Xdmf>")
    (folder.parent / "y.h5").write_text("")
    content = "patient\tmesh\tsurfaces\np\th\t\nq\ta.vtu\ts\nr\tx.xdmf\t\n"
    faults = refused(table(folder, content))
    assert [fault.rpartition("; ")[2] for fault in faults] == [
        f"{name} belongs to it and is elsewhere" for name in ("h.elem", "lv_endo.surf", "y.h5")
    ]
    assert len(read_cohort(folder / "cohort.tsv", meshes_outside=True)) == 3


@pytest.mark.parametrize(
    "text",
    ["$(touch x)", "`id`", "=cmd|' /C x'!A0", "1;rm -rf .", "\u0661\u0662", "1e400", "9" * 4000],
)  # fmt: skip
@pytest.mark.parametrize("column", ["units", "sex", "age", "heart_rate"])
def test_other_columns_take_nothing_but_what_they_are_for(folder, column, text):
    (fault,) = refused(table(folder, f"patient\tmesh\t{column}\np\ta.vtu\t{text}\n"))
    assert f"row 2: {column}: found " in fault


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * 10_000_000)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (f"{HEADER}p\t{'x' * 10_000_000}\n", "row 2: found a line of more than 131072 characters"),
        (f"{HEADER}p\t{'x' * 100_000}\n", "row 2: mesh: found 'xxx"),
        (f"{'x' * 10_000_000}\n", "row 1: found a line of more than"),
        (HEADER.strip() + "\tc" * 10_000 + "\n", "row 1: found 10002 columns, allowed are"),
        (HEADER.strip() + "\tc" * 1_000_000 + "\n", "row 1: found a line of more than"),
        (f"{HEADER}p\ta.vtu{chr(9) * 10_000}\n", "row 2: cells: found '10002', expected 2"),
        ("\n" * 10_000_000, "found more than 100000 lines"),
        (b"\0" * 10_000_000, "row 1: found a line of more than"),
        (gzip.compress(b"\0" * 10_000_000), "byte 1 is not UTF-8 text"),
        (zipped(), "is not UTF-8 text"),
        (HEADER.encode("utf-16"), "byte 0 is not UTF-8 text"),
        (f'{HEADER}p\t"a.vtu\nq\ta.vtu\n', "row 2: mesh: found '\"a.vtu'"),
        ("", "row 1: found no column 'patient'"),
    ],
    ids=range(13),
)
def test_what_is_no_table_is_refused_in_seconds(folder, content, sentence):
    assert sentence in refused(table(folder, content))[0]


def test_a_million_rows_are_refused_in_a_sentence(folder):
    """A Snakemake that planned them would need hours."""
    rows = "".join(f"p{number}\ta.vtu\n" for number in range(1_000_000))
    (fault,) = refused(table(folder, HEADER + rows))
    assert f"found more than {MAX_LINES} lines, expected at most as many" in fault


def test_a_table_without_end_is_refused(folder):
    os.mkfifo(folder / "pipe.tsv")
    (folder / "sparse.tsv").touch()
    with (folder / "sparse.tsv").open("r+b") as file:
        file.truncate(20 << 30)
    for path in (folder / "pipe.tsv", Path("/dev/zero")):
        assert "found a pipe, a socket or a device" in refused(path)[0]
    assert "row 1: found a line of more than" in refused(folder / "sparse.tsv")[0]


def nested(depth):
    """Lists of ten lists each, which a file names ten times each."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, depth):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]")
    return "\n".join([*lines, f"cohort: *a{depth - 1}"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('cohort: !!python/object/apply:os.system ["touch executed"]', "not YAML: could not"),
        (nested(12), "cohort: Input should be a valid string, found [["),
        ("a: &a {b: *a}\ncohort: *a", "cohort: Input should be a valid string, found {'b'"),
        ("x: " + "[" * 100_000, "lists in lists without end"),
        ("x: " + "9" * 100_000, "not YAML"),
        ("x: 1\n" * 300_000, "found 1500000 bytes, expected at most 1048576"),
        ('cohort: "a\\0b"', "cohort: found 'a\\x00b', expected a path without control"),
        ('results: "a\\nb"', "results: found 'a\\nb', expected a path without control"),
        ("results: 'x{patient}'", "results: found 'x{patient}', expected a path without"),
        (f"results: {'x' * 2000}", "results: String should have at most 1024 characters"),
    ],
)  # fmt: skip
def test_settings_made_to_hurt_are_refused(folder, monkeypatch, text, sentence):
    monkeypatch.chdir(folder)
    (folder / "config.yaml").write_text(text)
    with pytest.raises(BadStudy) as raised:
        read_study(folder / "config.yaml")
    assert any(sentence in line for line in str(raised.value).splitlines())
    assert max(map(len, str(raised.value).splitlines())) < LONGEST
    assert not (folder / "executed").exists()


def test_settings_without_end_are_refused(folder):
    os.mkfifo(folder / "config.yaml")
    for path in (folder / "config.yaml", Path("/dev/zero")):
        with pytest.raises(BadStudy, match="found a pipe, a socket or a device"):
            read_study(path)
