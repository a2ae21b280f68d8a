"""How the filters are compiled."""

from __future__ import annotations

from numba import njit

# numpy's error model: a check for division by zero would keep loops from being vectorised
compiled = njit(nogil=True, cache=True, error_model="numpy")
