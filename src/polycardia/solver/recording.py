"""What is kept of a beat while it is stepped: crossing times and electrode potentials.

Nothing here communicates; the voltage field is never stored.
"""

import numpy as np

from polycardia.physics.mesh import Floats


class Crossings:
    """Activation and repolarisation times of one rank's nodes.

    Attributes:
        activation: ``(n_owned,)`` first upward crossing of the activation threshold [ms], or NaN.
        repolarisation: ``(n_owned,)`` last downward crossing of the repolarisation threshold of
            a node that was activated [ms], or NaN.
    """

    def __init__(self, voltage: Floats, *, activation: float, repolarisation: float) -> None:
        self.activation = np.full(voltage.size, np.nan)
        self.repolarisation = np.full(voltage.size, np.nan)
        self._up = activation
        self._down = repolarisation
        self._before = voltage.copy()

    def observe(self, time: float, dt: float, voltage: Floats) -> None:
        """Take the voltage [mV] that one step from ``time`` by ``dt`` [ms] has led to.

        Crossings are interpolated linearly within the step.
        """
        before = self._before
        up = np.flatnonzero((before < self._up) & (voltage >= self._up))
        up = up[np.isnan(self.activation[up])]
        self.activation[up] = time + dt * (self._up - before[up]) / (voltage[up] - before[up])
        down = np.flatnonzero((before > self._down) & (voltage <= self._down))
        down = down[~np.isnan(self.activation[down])]
        self.repolarisation[down] = time + dt * (before[down] - self._down) / (
            before[down] - voltage[down]
        )
        np.copyto(before, voltage)


class Electrogram:
    """Potentials of the electrodes, one dot product each per sample.

    Args:
        leads: ``(n_electrodes, n_owned)`` lead vectors of this rank's nodes [1].
        n_samples: how many there will be.

    Attributes:
        potentials: ``(n_electrodes, n_samples)`` this rank's share [mV]; ranks add up.
    """

    def __init__(self, leads: Floats, n_samples: int) -> None:
        self._leads = leads
        self.potentials = np.zeros((len(leads), n_samples))

    def sample(self, number: int, voltage: Floats) -> None:
        """Record sample ``number`` from this rank's voltage [mV]."""
        self.potentials[:, number] = self._leads @ voltage
