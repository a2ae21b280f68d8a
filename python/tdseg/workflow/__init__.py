"""Train, apply, compute features: what menu, macro, batch, command line and Python call.

Each function stands in the file of its name. The types of what they return are offered here too,
imported on first use (PEP 562).
"""

import importlib
from typing import Any

_TYPES = {
    "FeatureStack": "tdseg.workflow.features",
    "FoundObject": "tdseg.unsupervised.foreground",
    "HeldOutReport": "tdseg.classifiers.evaluation",
    "Model": "tdseg.classifiers.model",
    "Result": "tdseg.workflow.apply",
    "UnlabelledResult": "tdseg.unsupervised.result",
}


def __getattr__(name: str) -> Any:
    if name in _TYPES:
        return getattr(importlib.import_module(_TYPES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
