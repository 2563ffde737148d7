"""A cohort of hearts that nobody was scanned for: meshes, their surfaces and the table."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from polycardia.errors import BadStudy
from polycardia.io.atomic import FOLDER_MODE
from polycardia.io.mesh_writer import write_surface, write_tetrahedra, write_unless_equal
from polycardia.synthesis.anatomy import shape_of
from polycardia.synthesis.heart import COARSEST_EDGE, FINEST_EDGE, meshed
from polycardia.synthesis.population import Person, draw_person
from polycardia.synthesis.pose import Pose, draw_pose

TABLE = "cohort.tsv"
SIZES_TABLE = "sizes.tsv"
MESHES = "meshes"
MOST_PATIENTS = 100_000

COLUMNS = ("patient", "mesh", "units", "surfaces", "sex", "age", "height", "weight", "heart_rate")
# What the hearts were made to measure; the cohort table has no columns for it.
SIZES_COLUMNS = ("patient", "lv_volume_mL", "lv_mass_g", "rv_volume_mL", "rv_wall_mm")


def synthesise(patients: int, seed: int, output: Path, *, edge_length: float) -> Path:
    """Make hearts of healthy adults and return their cohort table.

    Patient k of a seed is the same person with the same heart whatever the number of patients,
    and the same bytes with the same versions on the same type of processor; files that already
    hold them are not touched.

    Args:
        patients: how many, from 1.
        seed: of the random numbers, from 0.
        output: folder for ``cohort.tsv``, ``sizes.tsv`` and ``meshes/``; made if missing.
        edge_length: of the tetrahedra [mm], 0.8 to 3: the right ventricle's wall is 3.5 mm or
            more, and below 3 mm none comes out with a hole.

    Raises:
        BadStudy: an argument is out of its range, or the folder cannot be written.
    """
    _check(patients, seed, edge_length)
    people = []
    try:
        # Before the work, so that a folder which cannot be made is known at once.
        (output / MESHES).mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        for number, stream in enumerate(np.random.SeedSequence(seed).spawn(patients), start=1):
            rng = np.random.Generator(np.random.PCG64(stream))
            person, pose = draw_person(rng), draw_pose(rng)
            identifier = f"s{number:04d}"
            _write_heart(output, identifier, person, pose, edge_length)
            people.append((identifier, person))
        rows = [_sizes_row(*each) for each in people]
        write_unless_equal(output / SIZES_TABLE, _table(SIZES_COLUMNS, rows))
        rows = [_cohort_row(*each) for each in people]
        write_unless_equal(output / TABLE, _table(COLUMNS, rows))
    except OSError as error:
        place = error.filename or output
        raise BadStudy(f"output: {place} cannot be written ({error.strerror})") from error
    return output / TABLE


def _check(patients: int, seed: int, edge_length: float) -> None:
    if not 1 <= patients <= MOST_PATIENTS:
        raise BadStudy(f"patients: found {patients}, need 1 to {MOST_PATIENTS}")
    if seed < 0:
        raise BadStudy(f"seed: found {seed}, need 0 or more")
    if not (math.isfinite(edge_length) and FINEST_EDGE <= edge_length <= COARSEST_EDGE):
        raise BadStudy(
            f"edge length: found {edge_length:g} mm, need {FINEST_EDGE:g} to {COARSEST_EDGE:g} mm "
            "(coarser ones leave holes in the right ventricle's wall)"
        )


def _write_heart(
    output: Path, identifier: str, person: Person, pose: Pose, edge_length: float
) -> None:
    try:
        shape = shape_of(person.sizes)
        heart = meshed(shape, edge_length=edge_length).placed(pose)
    except BadStudy as fault:
        raise BadStudy(f"patient {identifier}: {fault}") from fault
    write_tetrahedra(output / _mesh(identifier), heart.mesh)
    write_surface(output / _surface(identifier), heart.mesh.points, heart.boundary)


def _mesh(identifier: str) -> str:
    return f"{MESHES}/{identifier}.vtu"


def _surface(identifier: str) -> str:
    return f"{MESHES}/{identifier}_surface.vtp"


def _cohort_row(identifier: str, person: Person) -> Mapping[str, object]:
    return {
        "patient": identifier,
        "mesh": _mesh(identifier),
        "units": "mm",
        "surfaces": _surface(identifier),
        "sex": person.sex,
        "age": person.age,
        "height": person.height,
        "weight": person.weight,
        "heart_rate": person.heart_rate,
    }


def _sizes_row(identifier: str, person: Person) -> Mapping[str, object]:
    sizes = person.sizes
    return {
        "patient": identifier,
        "lv_volume_mL": sizes.lv_volume,
        "lv_mass_g": sizes.lv_mass,
        "rv_volume_mL": sizes.rv_volume,
        "rv_wall_mm": sizes.rv_wall,
    }


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
