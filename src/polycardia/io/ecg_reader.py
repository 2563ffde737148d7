"""The ECGs of an archive, of which only the patients' that are asked for are read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive
from polycardia.io.inside import inside
from polycardia.io.optional import needed

if TYPE_CHECKING:
    import xarray

N_LEADS = 12


def leads_fault(leads: h5py.Dataset, n_patients: int) -> str:
    """Say what makes a dataset other than every patient's ECG, or nothing."""
    if leads.ndim != 3 or leads.shape[:2] != (n_patients, N_LEADS) or leads.dtype.kind != "f":
        return f"ecg/leads is {leads.dtype} {leads.shape}, expected ({n_patients}, {N_LEADS}, n)"
    return ""


class Ecgs:
    """The ECGs of an archive: ``ecg["s0001"]`` and ``ecg[3:5]`` read these patients' alone.

    Attributes:
        leads: names of the twelve.
        sampling_interval: [ms]; the first sample is at 0 ms.
        shape: ``(n_patients, 12, n_samples)``; NaN stands where a patient's is shorter.
        unit: ``mV``.
    """

    def __init__(
        self, path: Path, group: h5py.Group, patients: Sequence[str], row: Callable[[str], int]
    ) -> None:
        self._path = path
        self._data = inside(group, "leads")
        self._patients = patients
        self._row = row
        self.shape: tuple[int, int, int] = self._data.shape
        fault = leads_fault(self._data, len(patients))
        if fault:
            raise BadArchive(f"{path}: {fault}")
        self.leads = [str(name) for name in group.attrs["names"]]
        self.sampling_interval = float(group.attrs["sampling_interval"])
        self.unit = str(self._data.attrs.get("unit", ""))

    @property
    def times(self) -> NDArray[np.float64]:
        """Of the samples ``(n_samples,)`` [ms]."""
        return np.arange(self.shape[2]) * self.sampling_interval

    def __getitem__(self, patients: str | int | slice | Sequence[str]) -> NDArray[np.float32]:
        """Read one patient's leads ``(12, n_samples)``, or those of several ``(k, 12, n_samples)``.

        Raises:
            BadStudy: the archive has no such patient.
            BadArchive: an ECG is damaged.
        """
        try:
            if isinstance(patients, int | np.integer | slice):
                return np.asarray(self._data[patients])
            if isinstance(patients, str):
                return np.asarray(self._data[self._row(patients)])
            rows = [np.asarray(self._data[self._row(patient)]) for patient in patients]
        except OSError as error:
            raise BadArchive(f"{self._path}: ecg/leads is damaged: {error.args[0]}") from None
        return np.stack(rows) if rows else np.empty((0, *self.shape[1:]), np.float32)

    def to_xarray(self, patients: Sequence[str] | None = None) -> "xarray.DataArray":
        """Return ECGs with their coordinates: patient, lead and time [ms]; values in mV.

        Args:
            patients: of whom; everybody's are in memory at once if nothing is said.

        Raises:
            BadStudy: xarray is not installed, or the archive has no such patient.
        """
        names = list(self._patients if patients is None else patients)
        array: xarray.DataArray = needed("xarray", "ECGs with coordinates").DataArray(
            self[:] if patients is None else self[names],
            dims=("patient", "lead", "time"),
            coords={
                "patient": names,
                "lead": self.leads,
                "time": ("time", self.times, {"units": "ms"}),
            },
            name="ecg",
            attrs={"units": self.unit, "sampling_interval": self.sampling_interval},
        )
        return array
