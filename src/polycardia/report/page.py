"""One HTML page for a cohort: it needs nothing but itself, and is the same for the same input."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from polycardia.io.colours import ColourScale
from polycardia.report import ecg, summary, table, wording
from polycardia.report.content import SOLVED, CohortReport, PatientReport, Setting, chosen


@dataclass(frozen=True)
class Entry:
    """A heart as the template needs it.

    Attributes:
        number: from 1, makes links that no identifier can break.
        patient: the heart.
        is_drawn: whether it has a part of the page of its own.
    """

    number: int
    patient: PatientReport
    is_drawn: bool

    def sheet(self) -> ecg.Sheet | None:
        if self.patient.ecg is None:
            return None
        return ecg.lay_out(self.patient.ecg, self.patient.sampling_interval)

    def headline(self) -> list[str]:
        return table.headline(self.patient)


def render(cohort: CohortReport) -> str:
    """Return the page."""
    script, style = _text("page.js"), _text("page.css")
    entries = list(_entries(cohort))
    drawn = [entry for entry in entries if entry.is_drawn]
    scale = (
        None if cohort.activation_range is None else ColourScale.covering(*cohort.activation_range)
    )
    return (
        _environment()
        .get_template("page.html")
        .render(
            cohort=cohort,
            script=Markup(script),  # our own file, as the style is
            style=Markup(style),
            policy=_content_policy(script),
            outcomes=_outcomes(cohort),
            table=table.tabulate(cohort),
            entries=entries,
            drawn=drawn,
            n_solved=sum(patient.status == SOLVED for patient in cohort.patients),
            common_reason=_common_reason(drawn),
            n_under_resolved=sum(patient.is_under_resolved for patient in cohort.patients),
            n_pictured=sum(bool(entry.patient.pictures) for entry in drawn),
            plots=summary.distributions(cohort),
            scale=scale,
            ecg=ecg,
            summary=summary,
        )
    )


def _entries(cohort: CohortReport) -> Iterator[Entry]:
    with_more = [p.patient for p in cohort.patients if p.ecg is not None or p.pictures]
    drawn = set(chosen(with_more, cohort.ecgs, cohort.wanted))
    for number, patient in enumerate(cohort.patients, start=1):
        yield Entry(number, patient, is_drawn=patient.patient in drawn)


def _common_reason(drawn: Sequence[Entry]) -> str:
    """Return why there are no pictures where it is the same for every heart, to say it once."""
    if any(entry.patient.pictures for entry in drawn):
        return ""
    reasons = {entry.patient.no_pictures for entry in drawn}
    return reasons.pop() if len(reasons) == 1 else ""


def _outcomes(cohort: CohortReport) -> list[tuple[str, int]]:
    """Return how many hearts have each outcome, solved ones first, then the most frequent."""
    counted = Counter(patient.status for patient in cohort.patients)
    return sorted(counted.items(), key=lambda item: (item[0] != SOLVED, -item[1], item[0]))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("polycardia.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "label": wording.label,
        "unit": wording.pretty_unit,
        "setting": wording.setting_text,
        "base64": lambda data: base64.b64encode(data).decode("ascii"),
        "outcome": lambda status: status.replace("_", " "),
    }
    environment.tests |= {
        "section": lambda value: isinstance(value, Mapping),
        "described": lambda value: isinstance(value, Setting),
    }
    return environment


def _content_policy(script: str) -> str:
    """Return a policy that lets the browser fetch nothing and run this one script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    allowed = f"img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {allowed}"


def _text(name: str) -> str:
    return files("polycardia.report").joinpath(name).read_text(encoding="utf-8")
