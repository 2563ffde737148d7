"""One HTML page for a cohort: it needs nothing but itself, and is the same for the same input."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polycardia.io.colours import ColourScale
from polycardia.report import ecg, summary, table
from polycardia.report.content import SOLVED, CohortReport, PatientReport, chosen
from polycardia.report.templates import filled


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
    entries = list(_entries(cohort))
    drawn = [entry for entry in entries if entry.is_drawn]
    scale = (
        None if cohort.activation_range is None else ColourScale.covering(*cohort.activation_range)
    )
    return filled(
        "page.html",
        cohort=cohort,
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
