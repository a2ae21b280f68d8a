"""TDS Train, Apply, Save Classifier and Load Classifier."""

from __future__ import annotations

from typing import Any

from tdseg.classifiers.model import Model, load
from tdseg.commands.label_source import find_all_open, read_labels
from tdseg.commands.legend import legend
from tdseg.commands.reply import ImageResult, Reply, TableResult
from tdseg.commands.request import Request
from tdseg.commands.selection import area_mask
from tdseg.images.planes import planes_of_slices, slice_labels
from tdseg.runtime.files import check_target
from tdseg.workflow.apply import apply as apply_model
from tdseg.workflow.session import Example
from tdseg.workflow.train import train as train_model


def train(request: Request) -> Reply:
    """Train on the labels of the active image, of those named, and (``append``) of earlier ones."""
    session, options = request.session, request.options
    sources = [request.image]
    if options.images is not None:
        sources += find_all_open(request, options.images, "images")
    # The same classifier, whichever of them is active.
    sources.sort(key=lambda source: source.title)
    # With the earlier images, a name means the class that it meant there.
    names = session.classes if options.append else session.given_classes()
    new = []
    for source in sources:
        image = source.read()
        labels = read_labels(request.on(source), image, names)
        new.append(Example(source.identity, image, labels))
    examples = session.examples_with(new, options.append)
    model = train_model(
        [(e.image, e.labels) for e in examples],
        request.settings(),
        cache=session.cache,
        progress=request.progress,
    )
    session.adopt(model, examples)
    request.progress.note(training_summary(model))
    tables = []
    if model.report is not None:
        tables.append(TableResult("TDS Held-out Quality", model.report.rows()))
    return Reply(request.resolved(model.settings), tables=tables)


def training_summary(model: Model) -> str:
    """Say in a sentence what a classifier was trained on."""
    summary = model.summary
    pixels = ", ".join(f"{count} {name}" for name, count in summary["pixels"].items())
    names = " and ".join(weights.name for weights in model.weights)
    backbone = f", backbone {names}" if names else ""
    return (
        f"Trained {model.classifier.kind} on {pixels} pixels, {summary['features']} "
        f"{model.settings.features} features{backbone}, {model.settings.device}: features "
        f"{summary['seconds_features']} s, training {summary['seconds_training']} s, held-out "
        f"figures {summary['seconds_held_out']} s."
    )


def apply(request: Request) -> Reply:
    """Segment the active image; the result is a new image."""
    session, options = request.session, request.options
    model = (
        load(request.existing_path(".tdseg", "model"))
        if options.model is not None
        else session.current_model()
    )
    image = request.image.read()
    planes = planes_of_slices(image, options.slices, request.image.plane)
    wanted: str = options.output
    result = apply_model(
        model,
        image,
        probabilities=wanted in ("probabilities", "both", "composite"),
        uncertainty=wanted == "uncertainty",
        planes=planes,
        region=area_mask(request),
        settings=model.settings.with_(**request.overrides),
        cache=session.cache,
        progress=request.progress,
    )
    stem, images = request.image.stem, []
    shared: dict[str, Any] = {"source": request.image, "info": result.info, "planes": planes}
    if options.legend:
        named = dict(zip(result.class_values, result.class_names, strict=True))
        shared["rois"] = legend(named, image.size)
    if wanted in ("probabilities", "both", "composite"):
        assert result.probabilities is not None
        names = result.class_names
        title = f"{stem}-probabilities"
        images.append(
            ImageResult(
                "probabilities",
                title,
                result.probabilities,
                names=names,
                colours=result.class_values if wanted == "composite" else (),
                **shared,
            )
        )
    if wanted == "uncertainty":
        assert result.uncertainty is not None
        doubt = result.uncertainty[:, :, None]
        images.append(ImageResult("uncertainty", f"{stem}-uncertainty", doubt, **shared))
    labels = result.labels[:, :, None]
    if wanted in ("labels", "both"):
        kept = slice_labels(image, planes)
        images.append(ImageResult("labels", f"{stem}-labels", labels, names=kept, **shared))
    if wanted == "overlay":
        images.append(ImageResult("overlay", f"{stem}-overlay", labels, **shared))
    return Reply(request.resolved(result.settings), images=images)


def save_classifier(request: Request) -> Reply:
    """Save the current classifier."""
    model = request.session.current_model()
    path, existing = request.path(suffix=".tdseg"), request.options.existing
    if not check_target(path, existing):
        request.progress.note(f"File '{path}' exists; the classifier was not saved.")
    else:
        model.save(path, existing=existing)
        request.progress.note(f"Saved classifier '{path}'.")
    return Reply({"path": str(path), "existing": existing})


def load_classifier(request: Request) -> Reply:
    """Load a classifier and make it the current one."""
    path = request.existing_path(".tdseg")
    model = load(path)
    request.session.adopt(model)
    classes = zip(model.class_values, model.class_names, strict=True)
    request.progress.note(
        f"Loaded classifier '{path}': {model.classifier.kind}, {len(model.feature_names)} "
        f"{model.settings.features} features, classes "
        + ", ".join(f"{value}={name}" for value, name in classes)
        + "."
    )
    return Reply({"path": str(path)}, group_names=dict(request.session.classes))
