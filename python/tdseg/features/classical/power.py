"""Powers of a row of numbers, rounded to float32 like ``pow`` in double, but vectorised."""

from __future__ import annotations

import math

import numpy as np

from tdseg.features.classical.compiled import compiled

LOG2_E = 1.0 / math.log(2.0)
LN_2 = math.log(2.0)
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: adding and subtracting it rounds to a whole number
DOUBT = 2e-14  # relative; the polynomials are good to 3e-15
LARGEST = np.float32(1e30)


@compiled
def log2_row(base, bits, out):  # type: ignore[no-untyped-def]
    """Write log2 of positive float32 numbers into a row of doubles.

    `bits` (int32, as long as `base`) is scratch. The mantissa m is taken from [0.71, 1.42), where
    ln m = 2 artanh((m - 1)/(m + 1)) converges fast.
    """
    n = base.size
    whole = base.view(np.int32)
    for x in range(n):
        bits[x] = (whole[x] & np.int32(0x7FFFFF)) | np.int32(0x3F800000)
    mantissa = bits.view(np.float32)
    for x in range(n):
        m = np.float64(mantissa[x])
        big = 1.0 if m > 1.4142135623730951 else 0.0
        m = m * (1.0 - 0.5 * big)
        e = np.float64((whole[x] >> np.int32(23)) - np.int32(127)) + big
        z = (m - 1.0) / (m + 1.0)
        s = z * z
        p = s * (1.0 / 21.0) + 1.0 / 19.0
        p = p * s + 1.0 / 17.0
        p = p * s + 1.0 / 15.0
        p = p * s + 1.0 / 13.0
        p = p * s + 1.0 / 11.0
        p = p * s + 1.0 / 9.0
        p = p * s + 1.0 / 7.0
        p = p * s + 1.0 / 5.0
        p = p * s + 1.0 / 3.0
        p = p * s + 1.0
        out[x] = e + (2.0 * LOG2_E) * (z * p)


@compiled
def power_row(base, logs, exponent, bits, scratch, out):  # type: ignore[no-untyped-def]
    """Write base ** exponent, from log2 of the base, rounded to float32.

    Where the error of the polynomial could change the rounding, or the base is out of the range
    that it is made for, ``pow`` decides. `bits` (int32) and `scratch` (double) are scratch rows.
    """
    n = base.size
    for x in range(n):
        t = exponent * logs[x]
        t = min(max(t, -120.0), 120.0)
        k = (t + ROUNDER) - ROUNDER
        r = (t - k) * LN_2
        p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        scratch[x] = p * r + 1.0
        bits[x] = (np.int32(k) + np.int32(127)) << np.int32(23)
    scale = bits.view(np.float32)
    for x in range(n):
        scratch[x] = scratch[x] * np.float64(scale[x])
    for x in range(n):
        out[x] = np.float32(scratch[x])
    for x in range(n):
        v = scratch[x]
        sure = np.float32(v * (1.0 + DOUBT)) == np.float32(v * (1.0 - DOUBT))
        sure = sure and base[x] > np.float32(1e-3) and base[x] < LARGEST
        bits[x] = np.int32(0) if sure else np.int32(1)
    doubtful = np.int32(0)
    for x in range(n):
        doubtful |= bits[x]
    if doubtful:
        for x in range(n):
            if bits[x]:
                out[x] = np.float32(np.float64(base[x]) ** exponent)
