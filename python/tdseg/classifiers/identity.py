"""Which classifier it is: a hash of what decides about labels, wherever its file lies."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.classifiers.fitting import to_storage
from tdseg.options.declare import keys_of
from tdseg.options.groups import ResourceOptions, WeightFiles

if TYPE_CHECKING:
    from tdseg.classifiers.model import Model

_WHERE = {key.name for group in (ResourceOptions, WeightFiles) for key in keys_of(group)}
_WHERE -= {"precision"}  # the only one of them that moves a number


def classifier_hash(model: Model) -> str:
    """Return the SHA-256, in hexadecimal digits, of all that decides about a model's labels.

    Its file's name, its figures and the machine that it was trained on do not count; a model and
    its copy read from a file have the same hash.
    """
    header, arrays = to_storage(model.classifier)
    networks = [w.sha256 for w in (*model.weights, model.upsampler) if w is not None]
    facts: dict[str, Any] = {
        "settings": {k: v for k, v in model.settings.to_dict().items() if k not in _WHERE},
        "features": list(model.feature_names),
        "classes": [list(model.class_values), list(model.class_names)],
        "channels": [list(model.channels), model.rgb, model.dtype],
        "networks": networks,
        "classifier": header,
    }
    found = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    if model.ranges is not None:
        arrays = {**arrays, "ranges": np.asarray(model.ranges, np.float64)}
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
