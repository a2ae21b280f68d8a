from __future__ import annotations

import numpy as np
import pytest

from tdseg.features.classical.power import log2_row, power_row


@pytest.mark.parametrize("exponent", [-0.1, -0.35, -0.9, 0.5])
def test_powers_are_rounded_like_pow(rng: np.random.Generator, exponent: float) -> None:
    base = np.exp(rng.random(200_000) * 60 - 3).astype(np.float32)
    special = np.array([1, 2, 0, np.inf, np.nan, 1e35, 1e-40], np.float32)
    base = np.concatenate([base, special])
    logs, bits = np.empty(len(base)), np.empty(len(base), np.int32)
    out = np.empty(len(base), np.float32)
    log2_row(base, bits, logs)
    np.testing.assert_allclose(logs[:-7], np.log2(base[:-7].astype(float)), rtol=1e-13, atol=1e-15)
    power_row(base, logs, exponent, bits, np.empty(len(base)), out)
    with np.errstate(all="ignore"):
        expected = (base.astype(float) ** exponent).astype(np.float32)
    np.testing.assert_array_equal(out, expected)
