"""TDS Train, Apply, Features, Save Classifier and Load Classifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from tdseg.classifiers.model import Model, load
from tdseg.imagej.handlers.call import SETTING_NAMES, Call
from tdseg.imagej.handlers.label_source import read_labels
from tdseg.imagej.recorder import macro_line
from tdseg.imagej.results import show_features, show_labels, show_overlay, show_probabilities
from tdseg.imagej.tables import show_table
from tdseg.workflow import apply as apply_model
from tdseg.workflow import compute_features, planes_of_slices
from tdseg.workflow import train as train_model
from tdseg.workflow.session import Example


def train(call: Call) -> dict[str, Any]:
    """Train on the active image's labels; with ``append`` also on the earlier images."""
    session = call.session
    image = call.image()
    labels = read_labels(call, image)
    new = Example(str(call.imp.getID()), image, labels)
    examples = session.examples_with(new, call.value("append"))
    model = train_model(
        [(e.image, e.labels) for e in examples],
        call.settings(),
        cache=session.cache,
        progress=call.progress,
    )
    session.adopt(model, examples)
    _report(call, model)
    return call.resolved(model.settings)


def _report(call: Call, model: Model) -> None:
    summary = model.summary
    pixels = ", ".join(f"{count} {name}" for name, count in summary["pixels"].items())
    backbone = f", backbone {model.weights.name}" if model.weights else ""
    call.progress.note(
        f"Trained {model.classifier.kind} on {pixels} pixels, {summary['features']} "
        f"{model.settings.features} features{backbone}, {model.settings.device}: features "
        f"{summary['seconds_features']} s, training {summary['seconds_training']} s, held-out "
        f"figures {summary['seconds_held_out']} s."
    )
    if model.report is not None:
        show_table("TDS Held-out Quality", model.report.rows())


def apply(call: Call) -> dict[str, Any]:
    """Segment the active image and show the result as a new image."""
    session = call.session
    given = call.value("model")
    model = load(call.existing_path(".tdseg", "model")) if given else session.current_model()
    changes = {k: v for k, v in call.given.items() if k in SETTING_NAMES}
    settings = model.settings.with_(**changes)
    image = call.image()
    output = call.value("output")
    planes = planes_of_slices(image, call.value("slices"), call.plane())
    result = apply_model(
        model,
        image,
        probabilities=output in ("probabilities", "both"),
        planes=planes,
        region=call.region(),
        settings=settings,
        cache=call.session.cache,
        progress=call.progress,
    )
    resolved = call.resolved(result.settings or settings)
    info = {"tdseg.macro": macro_line(call.command, resolved), **result.info}
    if output in ("probabilities", "both"):
        assert result.probabilities is not None
        show_probabilities(
            result.probabilities, call.imp, call.stem, result.class_names, info, planes
        )
    if output in ("labels", "both"):
        show_labels(result.labels, call.imp, call.stem, info, planes)
    if output == "overlay":
        show_overlay(result.labels, call.imp, call.stem, info, planes)
    return resolved


def features(call: Call) -> dict[str, Any]:
    """Show the features of the active image as a stack."""
    image = call.image()
    planes = planes_of_slices(image, call.value("slices"), call.plane())
    stack = compute_features(
        image,
        call.settings(),
        components=call.value("components"),
        planes=planes,
        cache=call.session.cache,
        progress=call.progress,
    )
    resolved = call.resolved(stack.settings)
    info = {"tdseg.macro": macro_line(call.command, resolved)}
    array = stack.array
    array = array[np.newaxis, np.newaxis] if array.ndim == 3 else array
    region = call.region()
    if region is not None:
        array[..., ~region] = 0
    show_features(array, call.imp, call.stem, stack.names, info, planes)
    return resolved


def save_classifier(call: Call) -> dict[str, Any]:
    """Save the current classifier."""
    model = call.session.current_model()
    path = call.path(suffix=".tdseg")
    existing = call.value("existing")
    if existing == "skip" and path.exists():
        call.progress.note(f"File '{path}' exists; the classifier was not saved.")
    else:
        model.save(path, existing=existing)
        call.progress.note(f"Saved classifier '{path}'.")
    return {"path": str(path), "existing": existing}


def load_classifier(call: Call) -> dict[str, Any]:
    """Load a classifier and make it the current one."""
    path = call.existing_path(".tdseg")
    model = load(path)
    call.session.adopt(model)
    call.progress.note(
        f"Loaded classifier '{path}': {model.classifier.kind}, {len(model.feature_names)} "
        f"{model.settings.features} features, classes "
        + ", ".join(f"{v}={n}" for v, n in zip(model.class_values, model.class_names, strict=True))
        + "."
    )
    return {"path": str(path)}
