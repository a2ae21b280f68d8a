"""How the filters are compiled."""

from __future__ import annotations

from tdseg.runtime import compiled as runtime

# numpy's error model: a check for division by zero would keep loops from being vectorised
compiled = runtime.compiled(error_model="numpy")
