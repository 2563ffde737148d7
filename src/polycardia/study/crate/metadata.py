"""What ``ro-crate-metadata.json`` says: JSON-LD of RO-Crate 1.1 and Workflow Run Crate 0.5.

https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/workflow/0.5.  It is written out here,
entity by entity, since that is shorter than calling a library that knows neither of the profile.

A file that is not in the crate is called by its digest, as RFC 6920 names things.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import polycardia
from polycardia.study.crate.content import Crate, Item

Entity = dict[str, Any]

TERMS = "https://w3id.org/ro/terms/workflow-run#"
CONTEXT = (
    "https://w3id.org/ro/crate/1.1/context",
    {name: TERMS + name for name in ("sha256", "resourceUsage")},
)
CRATE = "https://w3id.org/ro/crate/1.1"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
COMPLETED = "http://schema.org/CompletedActionStatus"
MIT = "https://spdx.org/licenses/MIT"
NO_LICENCE = "#no-licence"
HOMES = {
    "h5py": "https://www.h5py.org/",
    "meshio": "https://github.com/nschloe/meshio",
    "mpi": "https://www.mpi-forum.org/",
    "mpi4py": "https://mpi4py.readthedocs.io/",
    "myokit": "https://myokit.org/",
    "numpy": "https://numpy.org/",
    "petsc": "https://petsc.org/",
    "petsc4py": "https://petsc.org/release/petsc4py/",
    "python": "https://www.python.org/",
    "scipy": "https://scipy.org/",
    "snakemake": "https://snakemake.readthedocs.io/",
    "vtk": "https://vtk.org/",
}
MEDIA = {
    ".csv": "text/csv",
    ".h5": "application/x-hdf5",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".tsv": "text/tab-separated-values",
    ".vtkhdf": "application/x-hdf5",
    ".yaml": "application/yaml",
}


def metadata(crate: Crate) -> Entity:
    """Return the content of ``ro-crate-metadata.json``."""
    graph = [*_root(crate), *_workflow(crate), *_software(crate), *_run(crate), *_files(crate)]
    return {"@context": [*CONTEXT], "@graph": graph}


def _root(crate: Crate) -> Iterator[Entity]:
    workflow_crate = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
    yield {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": _link("./"),
        "conformsTo": _links([CRATE, workflow_crate]),
    }
    parts = [item.id for item in crate.items] + ([crate.hearts_id] if crate.hearts else [])
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": crate.title,
        "description": f"Activation maps and 12-lead ECGs of {_count(crate)} simulated hearts: "
        "the run of the workflow that computed them, its inputs and its results.",
        "datePublished": crate.published.isoformat(timespec="seconds"),
        "license": _link(crate.licence or NO_LICENCE),
        "conformsTo": _links([*PROFILES]),
        "mainEntity": _link(crate.workflow[0].id),
        "mentions": _link(_run_id(crate)),
        "hasPart": _links(parts),
        **({"author": _link("#author")} if crate.author else {}),
    }
    for profile, (name, version) in PROFILES.items():
        yield {"@id": profile, "@type": "CreativeWork", "name": name, "version": version}
    for licence in dict.fromkeys([crate.licence, MIT]):
        yield _licence(licence)
    if crate.author:
        yield {"@id": "#author", "@type": "Person", "name": crate.author}


def _licence(url: str) -> Entity:
    if url:
        name = url.rstrip("/").rpartition("/")[2]
        return {"@id": url, "@type": "CreativeWork", "name": name, "url": url}
    return {
        "@id": NO_LICENCE,
        "@type": "CreativeWork",
        "name": "No licence",
        "description": "Nobody has said how the data may be used: ask whoever gave you the crate.",
    }


def _workflow(crate: Crate) -> Iterator[Entity]:
    main, *parts = crate.workflow
    yield {
        **_file(main),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "polycardia",
        "version": polycardia.__version__,
        "license": _link(MIT),
        "conformsTo": _link(BIOSCHEMAS),
        "programmingLanguage": _link(SNAKEMAKE),
        "input": _links(["#cohort", "#meshes-of-the-cohort"]),
        "output": _links(
            ["#archive", "#hearts-of-the-cohort", *(["#report"] if crate.pages else [])]
        ),
        "hasPart": _links([*(part.id for part in parts), *_ids(crate)]),
    }
    yield {
        "@id": SNAKEMAKE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": _link("https://doi.org/10.12688/f1000research.29032.2"),
        "url": _link("https://snakemake.readthedocs.io"),
    }
    yield _parameter("#cohort", "cohort", "File", crate.cohort.id)
    yield _parameter("#meshes-of-the-cohort", "meshes", "Dataset", "#meshes")
    yield _parameter("#archive", "archive", "File", crate.archive.id)
    yield _parameter("#hearts-of-the-cohort", "hearts", "Dataset", crate.hearts_id)
    if crate.pages:
        yield _parameter("#report", "report", "File", crate.pages[0].id)


def _parameter(own: str, name: str, kind: str, example: str) -> Entity:
    return {
        "@id": own,
        "@type": "FormalParameter",
        "name": name,
        "additionalType": kind,
        "workExample": _link(example),
    }


def _software(crate: Crate) -> Iterator[Entity]:
    """Yield polycardia, once for each of its versions, and the libraries that it was run with."""
    libraries = {_software_id(*one): one for one in crate.run.software}
    for own, release in zip(_ids(crate), crate.run.releases, strict=True):
        yield {
            "@id": own,
            "@type": "SoftwareApplication",
            "name": "polycardia",
            "softwareVersion": release,
            "license": _link(MIT),
            "softwareRequirements": _links([*libraries]),
        }
    for own, (name, version) in libraries.items():
        home = {"url": HOMES[name]} if name in HOMES else {}
        yield {
            "@id": own,
            "@type": "SoftwareApplication",
            "name": name,
            "softwareVersion": version,
            **home,
        }


def _run(crate: Crate) -> Iterator[Entity]:
    run = crate.run
    told = ", ".join(f"{count} {status}" for status, count in sorted(run.outcomes.items()))
    inputs = [*(item.id for item in crate.settings), crate.cohort.id, "#meshes"]
    yield {
        "@id": _run_id(crate),
        "@type": "CreateAction",
        "name": f"Run of {crate.title}",
        "description": f"snakemake, over {_count(crate)} hearts: {told}. A run that was continued, "
        "or that followed a change of the cohort, is one with those before it.",
        "instrument": _link(crate.workflow[0].id),
        "object": _links(inputs),
        "result": _links([crate.archive.id, crate.hearts_id, *(page.id for page in crate.pages)]),
        **({"startTime": run.began.isoformat(timespec="seconds")} if run.began else {}),
        "endTime": run.ended.isoformat(timespec="seconds"),
        "actionStatus": COMPLETED,
        "resourceUsage": _links([_usage_id(name) for name in run.usage]),
        **({"agent": _link("#author")} if crate.author else {}),
    }
    for name, (value, unit) in run.usage.items():
        yield {
            "@id": _usage_id(name),
            "@type": "PropertyValue",
            "name": name,
            "value": value,
            **({"unitText": unit} if unit else {}),
        }


def _files(crate: Crate) -> Iterator[Entity]:
    works = {crate.cohort: "#cohort", crate.archive: "#archive"}
    works |= {page: "#report" for page in crate.pages[:1]}
    about = {item: {"about": _link(_run_id(crate))} for item in crate.runs}
    about[crate.readme] = {"about": _link("./")}
    for item in crate.items:
        if item != crate.workflow[0]:
            work = {"exampleOfWork": _link(works[item])} if item in works else {}
            yield {**_file(item), **work, **about.get(item, {})}
    table = crate.runs[0]
    parts = [heart.id for heart in crate.hearts]
    yield {
        "@id": crate.hearts_id,
        "@type": "Dataset",
        "name": "hearts",
        "description": f"Files of {_count(crate)} hearts, {crate.run.hearts_size} bytes; "
        f"{table.place} has their digests.",
        "exampleOfWork": _link("#hearts-of-the-cohort"),
        "subjectOf": _link(table.id),
        **({"hasPart": _links(parts)} if parts else {}),
    }
    yield {
        "@id": "#meshes",
        "@type": "Dataset",
        "name": "meshes",
        "description": f"Source meshes of the hearts; {table.place} has their digests.",
        "exampleOfWork": _link("#meshes-of-the-cohort"),
        "subjectOf": _link(table.id),
    }
    yield from map(_file, crate.hearts)


def _file(item: Item) -> Entity:
    elsewhere = "" if item.inside else " It is not in the crate, and named by its digest."
    return {
        "@id": item.id,
        "@type": "File",
        "name": item.place,
        "description": item.description + elsewhere,
        "encodingFormat": MEDIA.get(PurePath(item.place).suffix, "text/plain"),
        "contentSize": str(item.size),
        "sha256": item.sha256,
        **({"alternateName": item.called} if item.called else {}),
    }


def _count(crate: Crate) -> int:
    return crate.run.outcomes.total()


def _run_id(crate: Crate) -> str:
    return f"#{crate.run.identifier}"


def _ids(crate: Crate) -> list[str]:
    return [f"#polycardia-{quote(release)}" for release in crate.run.releases]


def _software_id(name: str, version: str) -> str:
    return f"{HOMES[name]}#{quote(version)}" if name in HOMES else f"#{name}-{quote(version)}"


def _usage_id(name: str) -> str:
    return f"#usage-{name.replace(' ', '-')}"


def _link(target: str) -> Entity:
    return {"@id": target}


def _links(targets: Sequence[str]) -> Any:
    """Return links to each target once; a single one stands alone, as JSON-LD compacts it."""
    links = [_link(target) for target in dict.fromkeys(targets)]
    return links[0] if len(links) == 1 else links
