"""One self-contained file of an archive and its hearts."""

from pathlib import Path

import h5py

from polycardia.errors import BadArchive
from polycardia.io.atomic import whole_file
from polycardia.io.reading import opened


def pack(archive: Path, output: Path) -> int:
    """Write the archive with the hearts inside it instead of links; return how many there are.

    Raises:
        BadArchive: the archive cannot be read, or a heart that it links to is not there.
    """
    with opened(archive) as source, whole_file(output) as part, h5py.File(part, "w") as packed:
        if "hearts" not in source:
            raise BadArchive(f"{archive}: not an archive, it has no group 'hearts'")
        packed.attrs.update(source.attrs)
        for name in source:
            if name != "hearts":
                source.copy(name, packed)
        hearts = packed.create_group("hearts")
        for name in source["hearts"]:
            try:
                heart = source["hearts"][name]
            except (KeyError, OSError):
                raise BadArchive(
                    f"{archive}: hearts/{name}: the heart's file is missing or not whole"
                ) from None
            source.copy(heart, hearts, name=name)
        return len(hearts)
