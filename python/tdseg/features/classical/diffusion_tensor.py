"""The diffusion tensor of the anisotropic filter, a row at a time."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

C1 = np.float32(0.25 * (2.0 - math.sqrt(2.0)))
C2 = np.float32(0.5 * (math.sqrt(2.0) - 1.0))


@njit(nogil=True, cache=True)
def _gradient_row(up, mid, down, gx, gy):  # type: ignore[no-untyped-def]
    """Rotation-invariant gradient of one row; the image rows have a frame of one pixel."""
    for x in range(gx.size):
        p = C1 * (down[x + 2] - up[x])
        n = C1 * (down[x] - up[x + 2])
        gx[x] = p - n - C2 * mid[x] + C2 * mid[x + 2]
        gy[x] = p + n - C2 * up[x + 1] + C2 * down[x + 1]


@njit(nogil=True, cache=True, error_model="numpy")
def tensor_row(planes, y, a1, a2, dr2, scratch, doubles, tensor):  # type: ignore[no-untyped-def]
    """Write row `y` of the diffusion tensor (xx, xy, yy).

    Structure tensor in float32, its eigenvalues l1 <= l2 in double, diffusivities
    f1 = (1 + (l1 + l2)/dr²)^-a1 along the edge and f2 = (1 + (l1 + l2)/dr²)^-a2 across it.
    """
    width = planes.shape[2] - 2
    gx, gy, a, b, d, base = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4], scratch[5]
    lower = doubles[0]
    a[:] = np.float32(0)
    b[:] = np.float32(0)
    d[:] = np.float32(0)
    one = np.float32(1)
    for c in range(planes.shape[0]):
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
    t0, t1, t2 = tensor[0, y], tensor[1, y], tensor[2, y]
    for x in range(width):
        f1 = np.float32(np.float64(base[x]) ** -a1)
        f2 = np.float32(np.float64(base[x]) ** -a2)
        aa, bb, l1 = np.float64(a[x]), np.float64(b[x]), lower[x]
        if abs(bb) > abs(aa - l1):
            u = 1.0
            v = (l1 - aa) / bb
        elif aa != l1:
            u = -bb / (aa - l1)
            v = 1.0
        else:
            u = 1.0
            v = 0.0
        norm = np.sqrt(u * u + v * v)
        uu, vv = np.float32(u / norm), np.float32(v / norm)
        t0[x] = f1 * (uu * uu) + f2 * (vv * vv)
        t1[x] = (f1 - f2) * (uu * vv)
        t2[x] = f1 * (vv * vv) + f2 * (uu * uu)
