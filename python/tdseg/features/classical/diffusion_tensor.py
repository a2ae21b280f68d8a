"""The diffusion tensor of the anisotropic filter, a row at a time."""

from __future__ import annotations

import math

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.power import log2_row, power_row

C1 = np.float32(0.25 * (2.0 - math.sqrt(2.0)))
C2 = np.float32(0.5 * (math.sqrt(2.0) - 1.0))


@compiled
def _gradient_row(up, mid, down, gx, gy):  # type: ignore[no-untyped-def]
    """Rotation-invariant gradient of one row; the image rows have a frame of one pixel."""
    for x in range(gx.size):
        p = C1 * (down[x + 2] - up[x])
        n = C1 * (down[x] - up[x + 2])
        gx[x] = p - n - C2 * mid[x] + C2 * mid[x + 2]
        gy[x] = p + n - C2 * up[x + 1] + C2 * down[x + 1]


@compiled
def tensor_row(planes, y, a1, a2, dr2, scratch, doubles, bits, tensor):  # type: ignore[no-untyped-def]
    """Write row `y` of the diffusion tensor (xx, xy, yy).

    Structure tensor in float32, its eigenvalues l1 <= l2 in double, diffusivities
    f1 = (1 + (l1 + l2)/dr²)^-a1 along the edge and f2 = (1 + (l1 + l2)/dr²)^-a2 across it.
    """
    width = planes.shape[2] - 2
    gx, gy, a, b, d, base = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4], scratch[5]
    lower, logs, work = doubles[0], doubles[1], doubles[2]
    a[:] = np.float32(0)
    b[:] = np.float32(0)
    d[:] = np.float32(0)
    one = np.float32(1)
    # From the last channel to the first, as the plugin adds: the scheme amplifies the last bit.
    for c in range(planes.shape[0] - 1, -1, -1):
        _gradient_row(planes[c, y], planes[c, y + 1], planes[c, y + 2], gx, gy)
        for x in range(width):
            a[x] += gx[x] * gx[x]
        for x in range(width):
            b[x] += gx[x] * gy[x]
        for x in range(width):
            d[x] += gy[x] * gy[x]
    for x in range(width):
        aa, bb, dd = np.float64(a[x]), np.float64(b[x]), np.float64(d[x])
        e = aa + dd
        det = aa * dd - bb * bb
        f = np.sqrt(e * e - 4.0 * det)
        l1 = 0.5 * (e - f)
        l2 = 0.5 * (e + f)
        if e > 0:
            if l1 != 0:
                l2 = det / l1
        elif l2 != 0:
            l1 = det / l2
        v1 = np.float32(l2 / dr2)
        v2 = np.float32(l1 / dr2)
        base[x] = one + v1 + v2
        lower[x] = l1
    log2_row(base, bits, logs)
    along, across = gx, gy  # no longer needed as gradients
    power_row(base, logs, -a1, bits, work, along)
    power_row(base, logs, -a2, bits, work, across)
    us, vs = scratch[6], scratch[7]
    for x in range(width):
        aa, bb, l1 = np.float64(a[x]), np.float64(b[x]), lower[x]
        gap = aa - l1
        steep = abs(bb) > abs(gap)
        flat = gap == 0.0
        top = l1 - aa if steep else -bb
        bottom = bb if steep else gap
        ratio = 0.0 if (flat and not steep) else top / bottom
        u = 1.0 if (steep or flat) else ratio
        v = ratio if (steep or flat) else 1.0
        norm = np.sqrt(u * u + v * v)
        us[x] = np.float32(u / norm)
        vs[x] = np.float32(v / norm)
    t0, t1, t2 = tensor[0, y], tensor[1, y], tensor[2, y]
    for x in range(width):
        t0[x] = along[x] * (us[x] * us[x]) + across[x] * (vs[x] * vs[x])
    for x in range(width):
        t1[x] = (along[x] - across[x]) * (us[x] * vs[x])
    for x in range(width):
        t2[x] = along[x] * (vs[x] * vs[x]) + across[x] * (us[x] * us[x])
