import ctypes
import os
import subprocess
import sys
import threading

import pytest

from polycardia.errors import CompilerFailed
from polycardia.ionic import compiler
from polycardia.ionic.compiler import compiled, digest

SOURCE = "double answer(void) { return 42.0; }\n"


def answer(library):
    function = ctypes.CDLL(str(library)).answer
    function.restype = ctypes.c_double
    return function()


def counting_compiler(folder):
    """A compiler that leaves one line for each call."""
    script = folder / "count-cc"
    script.write_text(f'#!/bin/sh\necho called >> {folder}/calls\nexec gcc "$@"\n')
    script.chmod(0o755)
    return script, folder / "calls"


def test_compiled_once(tmp_path, monkeypatch):
    script, calls = counting_compiler(tmp_path)
    monkeypatch.setenv("CC", str(script))
    cache = tmp_path / "new" / "cache"
    first = compiled(SOURCE, "", cache)
    assert compiled(SOURCE, "", cache) == first
    assert answer(first) == 42.0
    assert calls.read_text().count("called") == 1
    assert list(cache.iterdir()) == [first]


def test_cached_kernel_needs_no_compiler(tmp_path, monkeypatch):
    compiled(SOURCE, "", tmp_path)
    monkeypatch.setenv("CC", "/nowhere/cc")
    assert answer(compiled(SOURCE, "", tmp_path)) == 42.0


@pytest.mark.parametrize("keep", [0, 100, 5000, -1])
def test_truncated_library_is_compiled_again(tmp_path, keep):
    library = compiled(SOURCE, "", tmp_path)
    library.write_bytes(library.read_bytes()[:keep])
    assert answer_in_another_process(compiled(SOURCE, "", tmp_path)) == "42.0"


def test_damaged_library_is_compiled_again(tmp_path):
    library = compiled(SOURCE, "", tmp_path)
    code = bytearray(library.read_bytes())
    code[len(code) // 2] ^= 0xFF
    library.write_bytes(code)
    assert answer_in_another_process(compiled(SOURCE, "", tmp_path)) == "42.0"


def answer_in_another_process(library):
    script = (
        "import ctypes, sys; f = ctypes.CDLL(sys.argv[1]).answer; "
        "f.restype = ctypes.c_double; print(f())"
    )
    return output_of(script, library)


def output_of(script, library):
    command = [sys.executable, "-c", script, str(library)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return finished.stdout.strip()


def test_missing_compiler(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerFailed, match="no C compiler: none of gcc, cc, clang"):
        compiled(SOURCE, "", tmp_path / "cache")


def test_named_compiler_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(CompilerFailed, match="/nowhere/cc: No such file"):
        compiled(SOURCE, "", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_refused_text_shows_the_decisive_line(tmp_path):
    with pytest.raises(CompilerFailed, match=r"error: .*undeclared"):
        compiled("double answer(void) { return x; }\n", "", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_compiler_that_fails_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "false")
    with pytest.raises(CompilerFailed, match="status 1: no message"):
        compiled(SOURCE, "", tmp_path)


def test_compiler_that_claims_success(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "true")
    with pytest.raises(CompilerFailed, match="status 0"):
        compiled(SOURCE, "", tmp_path)


def test_compiler_whose_library_is_none(tmp_path, monkeypatch):
    """It is not kept: with a compiler that works the next call makes one."""
    script = tmp_path / "junk-cc"
    script.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho junk > "$2"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    with pytest.raises(CompilerFailed, match="junk-cc made what is no library: file too short"):
        compiled(SOURCE, "", tmp_path / "cache")
    monkeypatch.delenv("CC")
    assert answer(compiled(SOURCE, "", tmp_path / "cache")) == 42.0


def test_compiler_that_hangs(tmp_path, monkeypatch):
    script = tmp_path / "slow-cc"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    monkeypatch.setattr(compiler, "TIMEOUT", 0.2)
    with pytest.raises(CompilerFailed, match=r"ran for 0\.2 s"):
        compiled(SOURCE, "", tmp_path / "cache")


def test_compiler_with_arguments(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "gcc -DVALUE=7.0")
    source = "double answer(void) { return VALUE; }\n"
    assert answer(compiled(source, "", tmp_path)) == 7.0


def test_key_follows_text_identity_and_processor(monkeypatch):
    monkeypatch.delenv("POLYCARDIA_CPU", raising=False)
    keys = {digest(SOURCE, ""), digest(SOURCE + " ", ""), digest(SOURCE, "other")}
    monkeypatch.setenv("POLYCARDIA_CPU", "x86-64-v3")
    keys |= {digest(SOURCE, "")}
    monkeypatch.setenv("POLYCARDIA_CPU", "x86-64-v2")
    keys |= {digest(SOURCE, "")}
    assert len(keys) == 5


def test_named_processor_is_compiled_for(tmp_path, monkeypatch):
    monkeypatch.setenv("POLYCARDIA_CPU", "no-such-cpu")
    with pytest.raises(CompilerFailed, match="no-such-cpu"):
        compiled(SOURCE, "", tmp_path)


def test_a_kernel_for_a_processor_that_this_one_is_not_is_refused(tmp_path, monkeypatch):
    """It would end the process with an illegal instruction: fma4 and xop are AMD's of 2011."""
    known = {"flags": "sse4_1 sse4_2 avx f16c"}
    monkeypatch.setattr(compiler, "_told", lambda: known)
    monkeypatch.setenv("POLYCARDIA_CPU", "bdver1")
    with pytest.raises(CompilerFailed, match=r"is bdver1, expected .* lacks fma4, xop$"):
        compiled(SOURCE, "", tmp_path)
    known["flags"] += " fma4 xop"
    compiled(SOURCE, "", tmp_path)


def test_a_cache_that_cannot_be_made_and_a_command_that_is_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(CompilerFailed, match=r"file/kernels cannot be made: "):
        compiled(SOURCE, "", tmp_path / "file" / "kernels")
    monkeypatch.setenv("CC", "'gcc")
    with pytest.raises(CompilerFailed, match="CC is no command: No closing quotation"):
        compiled(SOURCE, "", tmp_path)


def test_many_at_once_share_the_cache(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(compiled(SOURCE, "", tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(found)) == 1
    assert len(found) == 4
    assert answer(found[0]) == 42.0
    assert os.listdir(tmp_path) == [found[0].name]


def test_loading_a_kernel_leaves_subnormal_numbers_alone(tmp_path):
    """A library linked with -ffast-math makes its process flush them to zero."""
    library = compiled(SOURCE, "", tmp_path)
    script = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print(5e-324 * float('1') > 0.0)"
    assert output_of(script, library) == "True"
