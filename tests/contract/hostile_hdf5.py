"""HDF5 files as someone makes them who wants their readers to fail: each function does it to one.

All sizes are claimed, compressed or repeated, so that the files themselves stay small.
"""

import zlib

import h5py
import numpy as np

GIB = 1 << 30
CHUNK = 1 << 26  # [bytes] of zeros that are written as one compressed chunk


def claims(name, shape):
    """Let a dataset claim a shape and store nothing of it."""

    def make(path, secret):
        with h5py.File(path, "r+") as file:
            old = file.pop(name) if name in file else None
            chunks = tuple(min(1024, size) for size in shape)
            new = file.create_dataset(name, shape, old.dtype, chunks=chunks)
            new.attrs.update(old.attrs)

    return make


def squeezed_twice(name, n_chunks):
    """Let a dataset hold zeros that deflate was applied to twice: a million of them in a byte."""

    def make(path, secret):
        with h5py.File(path, "r+") as file:
            attributes = dict(file[name].attrs)
            width = int(np.prod(file[name].shape[1:-1], dtype=int))
            del file[name]
            columns = CHUNK // 4 // max(1, width)
            shape = (n_chunks, *((width,) if width > 1 else ()), columns)
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_chunk((1, *shape[1:]))
            plan.set_deflate(9)
            plan.set_deflate(9)
            space = h5py.h5s.create_simple(shape)
            made = h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_FLOAT, space, plan)
            once = zlib.compress(b"\0" * int(np.prod(shape[1:])) * 4, 9)
            for number in range(n_chunks):
                place = (number, *(0 for _ in shape[1:]))
                made.write_direct_chunk(place, zlib.compress(once, 9))
            file[name].attrs.update(attributes)

    return make


def repeated_text(name, count, length):
    """Let every cell of a text column be one long text, which the file holds once."""

    def make(path, secret):
        with h5py.File(path, "r+") as file:
            attributes = dict(file[name].attrs)
            del file[name]
            column = file.create_dataset(name, (count,), h5py.string_dtype())
            column[0] = "x" * length
            column.attrs.update(attributes)
            file.flush()
            place = column.id.get_offset()
        with path.open("r+b") as raw:
            raw.seek(place)
            one = raw.read(16)
            raw.seek(place)
            raw.write(one * count)

    return make


def external_link(name):
    def make(path, secret):
        with h5py.File(path, "r+") as file:
            del file[name]
            file[name] = h5py.ExternalLink(str(secret), "/values")

    return make


def link_to_itself(name):
    def make(path, secret):
        with h5py.File(path, "r+") as file:
            del file[name]
            file[name] = h5py.SoftLink(f"/{name}")

    return make


def group_in_itself(name):
    def make(path, secret):
        with h5py.File(path, "r+") as file:
            file[f"{name}/below"] = file[name]

    return make


def raw_bytes_of(name, other):
    """Let a dataset be the bytes of another file of the user's."""

    def make(path, secret):
        with h5py.File(path, "r+") as file:
            old = file.pop(name)
            new = file.create_dataset(name, old.shape, "f8", external=[(other, 0, 2**40)])
            new.attrs.update(old.attrs)

    return make


def virtual(name):
    def make(path, secret):
        with h5py.File(path, "r+") as file:
            old = file.pop(name)
            layout = h5py.VirtualLayout(old.shape, old.dtype)
            layout[...] = h5py.VirtualSource(str(secret), "values", old.shape)
            file.create_virtual_dataset(name, layout).attrs.update(old.attrs)

    return make


def unknown_filter(name):
    """Let a dataset name a filter that nobody has."""

    def make(path, secret):
        with h5py.File(path, "r+") as file:
            old = file.pop(name)
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_chunk(old.shape)
            plan.set_filter(32_000, h5py.h5z.FLAG_OPTIONAL, ())
            kind = h5py.h5t.py_create(old.dtype, logical=True)
            space = h5py.h5s.create_simple(old.shape)
            made = h5py.h5d.create(file.id, name.encode(), kind, space, plan)
            made.write_direct_chunk((0,) * old.ndim, b"x" * 16)
            file[name].attrs.update(old.attrs)

    return make


def of_type(name, dtype):
    """Let a dataset of as many values have a type that nobody expects."""

    def make(path, secret):
        with h5py.File(path, "r+") as file:
            old = file.pop(name)
            new = file.create_dataset(name, old.shape, dtype)
            new.attrs.update(old.attrs)

    return make


COMPOUND = np.dtype([("a", "f4"), ("b", "S5")])
