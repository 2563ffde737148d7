"""Calling the C compiler, once for each kernel and type of processor."""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from polycardia.errors import CompilerFailed

TIMEOUT = 300.0
"""[s] A kernel of ten Tusscher-Panfilov 2006 takes 2 s."""

FLAGS = (
    "-O3",
    "-fPIC",
    "-shared",
    "-fopenmp-simd",
    # What vectorising a loop with divisions, square roots and choices needs.  -ffast-math is left
    # out: it saves nothing more here, lets the compiler reorder sums, takes NaN out of the
    # language, and linked with it a library would make the whole process flush subnormal numbers.
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-signed-zeros",
    "-freciprocal-math",
)

PROCESSOR = "POLYCARDIA_CPU"
"""Environment variable: the type of processor that kernels are for, in the compiler's words."""

EXTENSIONS = (
    *("sse4_1", "sse4_2", "avx", "avx2", "fma", "fma4", "xop", "f16c", "bmi2"),
    *("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx512er", "avx512pf"),
)
"""Of x86, as Linux lists them; compilers define ``__AVX2__`` and so on."""

SEAL = b"\nsha256 "
"""Stands behind a kernel, before the digest of its bytes: a truncated library kills the process
that loads it.  The loader does not read that far."""

LOAD = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"


def compiled(source: str, identity: str, cache: Path) -> Path:
    """Return the shared library of a C text, compiled unless the cache has it.

    Args:
        source: the C text.
        identity: what else the library's file name must depend on.
        cache: folder of kernels; made where it is missing.  Several processes may share it.

    Raises:
        CompilerFailed: no compiler was found, or it refused the text or its time ran out.
    """
    _require_processor()
    library = cache / f"{digest(source, identity)}.so"
    if not _is_whole(library):
        _compile(source, library)
    return library


def digest(source: str, identity: str) -> str:
    """Return the key of a kernel: text, flags and the processor that it is for."""
    parts = (identity, source, *_flags(), _processor())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _compile(source: str, library: Path) -> None:
    """Compile beside the library's place and rename, so that it is whole or absent."""
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompilerFailed(f"{library.parent} cannot be made: {error.strerror}") from None
    with tempfile.TemporaryDirectory(dir=library.parent, prefix="compiling-") as folder:
        text = Path(folder, "kernel.c")
        made = Path(folder, "kernel.so")
        text.write_text(source)
        command = [*_compiler(), *_flags(), "-o", str(made), str(text), "-lm"]
        try:
            finished = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise CompilerFailed(f"{command[0]} ran for {TIMEOUT:g} s and was stopped") from None
        except OSError as error:
            raise CompilerFailed(f"{command[0]}: {error.strerror}") from None
        if finished.returncode != 0 or not made.exists():
            raise CompilerFailed(
                f"{command[0]} ended with status {finished.returncode}: "
                f"{_decisive_line(finished.stderr)}"
            )
        _require_loadable(made, command[0])
        code = made.read_bytes()
        with made.open("ab") as end:
            end.write(SEAL + hashlib.sha256(code).hexdigest().encode())
            end.flush()
            os.fsync(end.fileno())
        made.replace(library)


def _require_loadable(made: Path, compiler: str) -> None:
    """Load a library once before it is kept: in a process of its own, which it may end.

    Raises:
        CompilerFailed: what the compiler made is none.
    """
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", LOAD, str(made)], capture_output=True, text=True, check=False
    )
    if loaded.returncode != 0:
        lines = loaded.stderr.splitlines() or [f"loading it ends with {loaded.returncode}"]
        reason = lines[-1].removeprefix("OSError: ").removeprefix(f"{made}: ")
        raise CompilerFailed(f"{compiler} made what is no library: {reason}")


def _is_whole(library: Path) -> bool:
    """Return whether the file is there with all the bytes that were sealed."""
    try:
        code, _, sealed = library.read_bytes().rpartition(SEAL)
    except OSError:
        return False
    return hashlib.sha256(code).hexdigest().encode() == sealed


def _compiler() -> list[str]:
    """Return the command from $CC, or the first C compiler on the path."""
    try:
        named = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise CompilerFailed(f"CC is no command: {error}") from None
    if named:
        return named
    for name in ("gcc", "cc", "clang"):
        if shutil.which(name):
            return [name]
    raise CompilerFailed("no C compiler: none of gcc, cc, clang is on the path and CC is not set")


def _flags() -> tuple[str, ...]:
    target = os.environ.get(PROCESSOR, "native")
    # Compilers shy away from 512-bit vectors by default; here they are faster (29 against 50 ns)
    wide = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
    return (*FLAGS, f"-march={target}", *wide)


def _require_processor() -> None:
    """Refuse to make or run kernels for a processor that has instructions which this one lacks.

    Such a kernel would end the process without a word.

    Raises:
        CompilerFailed: with the instructions.
    """
    target = os.environ.get(PROCESSOR)
    here = set(_told().get("flags", "").split())
    if target is None or not here:
        return
    lacking = sorted(name for name in _instructions(target) if name not in here)
    if lacking:
        raise CompilerFailed(
            f"{PROCESSOR} is {target}, expected a processor like this one, which lacks "
            f"{', '.join(lacking)}"
        )


@lru_cache
def _instructions(target: str) -> frozenset[str]:
    """Return the extensions that a type of processor has, of those that kernels can use."""
    command = [*_compiler(), f"-march={target}", "-dM", "-E", "-xc", os.devnull]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT).stdout
    except OSError as error:
        raise CompilerFailed(f"{command[0]}: {error.strerror}") from None
    defined = {line.split()[1] for line in said.splitlines() if line.startswith("#define ")}
    return frozenset(name for name in EXTENSIONS if f"__{name.upper()}__" in defined)


def _told() -> dict[str, str]:
    """Return what the system tells of its first processor; nothing where it tells nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _processor() -> str:
    """Return what tells this processor from others that ``-march=native`` would differ on."""
    if PROCESSOR in os.environ:
        return platform.machine()
    told = _told()
    if not told:
        return f"{platform.machine()} {platform.processor()}"
    known = ("vendor_id", "cpu family", "model", "flags", "CPU implementer", "CPU part", "Features")
    return "\n".join([platform.machine(), *(f"{key} {told[key]}" for key in known if key in told)])


def _decisive_line(output: str) -> str:
    """Return the first line that speaks of an error, or the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines[-1:] or ["no message"])[0]
