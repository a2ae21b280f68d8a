"""Mean-field inference in a fully connected CRF over the pixels of one plane or tile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.refine.kernels import Kernel
from tdseg.runtime.compiled import compiled
from tdseg.runtime.threads import bands, map_threads

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]

BLOCK = 512
"""Pixels updated together, so that the work stays in the CPU core's own cache."""

LEAST_PROBABILITY = 1e-5
"""Probabilities are clipped here before the logarithm, as the reference's Python helper does."""


class MeanField:
    """The approximate posterior of N pixels, improved by one `step` after another.

    Parameters
    ----------
    probabilities : (K, N) float32
        The classifier's probabilities; the unary energy is -log of them. K is at least 2.
    kernels : list of (Kernel, float)
        Each kernel with its Potts compatibility.
    class_weights : (K,) float32
        Factor of each class's messages, 1 for plain Potts.

    Notes
    -----
    One step is Q_k ~ p_k exp(w_k sum_m c_m (K_m Q_k)), the update of Kraehenbuehl and Koltun
    (NIPS 2011) for the Potts model. All K classes are filtered alike: to infer the last from the
    others would save a little, but its rounding error grows tenfold a step where classes tie.
    """

    def __init__(
        self,
        probabilities: Floats,
        kernels: list[tuple[Kernel, float]],
        class_weights: Floats,
    ) -> None:
        classes, count = probabilities.shape
        self._log = np.maximum(probabilities, np.float32(LEAST_PROBABILITY))
        np.log(self._log, out=self._log)
        self._kernels = [kernel for kernel, _ in kernels]
        self._strength = np.array([strength for _, strength in kernels], np.float32)
        self._weights = class_weights.astype(np.float32)
        self._messages = np.empty((len(kernels), classes, count), np.float32)
        self.posterior = np.empty_like(self._log)
        self._bands = bands(count, at_least=4096)
        # Before any message an update only normalises the clipped probabilities.
        map_threads(lambda band: self._update(self._messages[:0], band), self._bands)

    def step(self) -> None:
        """Do one parallel update of all pixels."""
        map_threads(
            lambda m: self._kernels[m].apply(self.posterior, self._messages[m]),
            range(len(self._kernels)),
        )
        map_threads(lambda band: self._update(self._messages, band), self._bands)

    def _update(self, messages: Floats, band: tuple[int, int]) -> None:
        _update(self._log, messages, self._strength, self._weights, self.posterior, *band)


@compiled()
def _update(
    log: Floats,
    messages: Floats,
    strength: Floats,
    weights: Floats,
    posterior: Floats,
    start: int,
    stop: int,
) -> None:
    """Write the normalised exp(log + messages) of pixels start to stop into `posterior`."""
    classes = log.shape[0]
    energy = np.empty((classes, BLOCK), np.float32)
    total = np.empty(BLOCK, np.float32)
    top = np.empty(BLOCK, np.float32)
    power = np.empty(BLOCK, np.int32)
    for first in range(start, stop, BLOCK):
        size = min(BLOCK, stop - first)
        energy[:] = 0.0
        for m in range(messages.shape[0]):
            factor = strength[m]
            for c in range(classes):
                message = messages[m, c, first : first + size]
                target = energy[c]
                for i in range(size):
                    target[i] += factor * message[i]
        top[:] = -np.inf
        for c in range(classes):
            target = energy[c]
            unary = log[c, first : first + size]
            for i in range(size):
                target[i] = unary[i] + weights[c] * target[i]
                top[i] = max(top[i], target[i])
        total[:] = 0.0
        for c in range(classes):
            target = energy[c]
            for i in range(size):
                target[i] -= top[i]
            _exponential(target[:size], power[:size])
            for i in range(size):
                total[i] += target[i]
        for c in range(classes):
            target = energy[c]
            result = posterior[c, first : first + size]
            for i in range(size):
                result[i] = target[i] / total[i]


@compiled()
def _exponential(values: Floats, power: Integers) -> None:
    """Replace values, none above 0, by their exponentials; `power` is overwritten.

    The loop vectorises where calls of the C library do not: 2^k times a polynomial of the remainder
    (the one of the Cephes library, within 2 units in the last place).
    """
    for i in range(values.shape[0]):
        x = max(values[i], np.float32(-87.0))
        k = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
        x = x - k * np.float32(0.693359375) + k * np.float32(2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * x + np.float32(1.3981999507e-3)
        p = p * x + np.float32(8.3334519073e-3)
        p = p * x + np.float32(4.1665795894e-2)
        p = p * x + np.float32(1.6666665459e-1)
        p = p * x + np.float32(5.0000001201e-1)
        values[i] = p * x * x + x + np.float32(1.0)
        power[i] = (np.int32(k) + np.int32(127)) << np.int32(23)
    scale = power.view(np.float32)
    for i in range(values.shape[0]):
        values[i] *= scale[i]
