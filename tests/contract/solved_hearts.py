"""Results of solved hearts with random numbers in them, and their archive."""

import numpy as np

from polycardia.errors import BadStudy
from polycardia.io.heart_file import HeartResult
from polycardia.physics.slab import slab_mesh
from polycardia.provenance import origin
from polycardia.study.archive import archive, shard

ELECTRODES = ("RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
VELOCITY_ERRORS = {
    f"numerical_velocity_error_{what}": (0.04, "1")
    for what in ("along", "along_p95", "across", "across_p95", "unknown")
}
RECORD = {**origin("{}"), "mesh_sha256": "0" * 64, "ranks": 2, "seconds": 1.0, "memory": 1}
RECORD |= {"mended": "[]", "labels_from": "geometry", "fibres_from": "rule"}
RECORD |= {"tissue": "{}", "kernels": "{}", "softened_volume": 0.0}
RECORD |= {"began": "2026-03-05T14:02:00+00:00", "energy": np.nan}
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
