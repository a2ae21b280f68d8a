"""TDS Refine."""

from __future__ import annotations

import numpy as np

from tdseg.classifiers.provenance import refined_with
from tdseg.classifiers.uncertainty import uncertainty
from tdseg.commands.label_source import find_open
from tdseg.commands.reply import ImageResult, Reply
from tdseg.commands.request import HostImage, Request
from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.planes import slice_labels
from tdseg.labels.carried_names import carried_names, names_line
from tdseg.workflow.refine import refine_crf


def refine(request: Request) -> Reply:
    """Refine the active probability stack; the image that it was made from guides the labels."""
    options, active = request.options, request.image
    found = active.read()
    if found.dtype != np.float32 or found.shape[2] < 2:
        raise TdsegError(
            f"Image '{found.name}' is not a probability stack (32-bit, one channel per class); "
            "select a result of TDS Apply... with output=probabilities."
        )
    source = segmented_image(request)
    names, values = _classes(request, found)
    settings = request.settings()
    picture = source.read()
    refined = refine_crf(
        found.array, picture, settings, class_names=names, progress=request.progress
    )
    labels = np.asarray(values)[refined.argmax(axis=2)]
    labels = labels.astype(np.uint8 if labels.max() <= 255 else np.uint16)
    resolved = request.resolved(settings, image=source.title)
    info = {
        **refined_with(str(found.metadata.get("info") or ""), resolved),
        **names_line(dict(zip(values, names, strict=True))),
    }
    title = active.stem.removesuffix("-probabilities") + "-refined"
    images = []
    if options.output in ("probabilities", "both"):
        images.append(
            ImageResult("probabilities", f"{title}-probabilities", refined, source, names, info)
        )
    if options.output in ("labels", "both"):
        images.append(
            ImageResult(
                "labels", f"{title}-labels", labels[:, :, None], source, slice_labels(picture), info
            )
        )
    if options.output == "uncertainty":
        doubt = uncertainty(found.array, refined.argmax(axis=2))[:, :, None]
        images.append(ImageResult("uncertainty", f"{title}-uncertainty", doubt, source, info=info))
    return Reply(resolved, images=images)


def segmented_image(request: Request) -> HostImage:
    """Return the image of the key ``image``, or the one that the active stack was made from.

    A result remembers its source. A stack without that, from a file say, goes by its title, if
    exactly one open image has the title that it names.

    Raises
    ------
    TdsegError
        If there is no such image, or more than one.
    """
    if request.options.image is not None:
        return find_open(request, request.options.image, "image")
    active = request.image
    others = [o for o in request.host.open_images() if o.identity != active.identity]
    known = [o for o in others if active.made_from and o.identity == active.made_from]
    if known:
        return known[0]
    wanted = active.stem.removesuffix("-probabilities")
    same = [] if active.made_from else [o for o in others if wanted in (o.title, o.stem)]
    if len(same) == 1:
        return same[0]
    if same:
        titles = ", ".join(f"'{o.title}'" for o in same)
        raise TdsegError(
            f"Which image was '{active.title}' made from: {titles}? Name it with image=[title], "
            "and rename images that have one title."
        )
    # Whoever opens it again must say so: another image may have its title.
    remedy = "open it again and name it" if active.made_from else f"open '{wanted}', or name it"
    raise TdsegError(
        f"The image that '{active.title}' was made from is not open; {remedy} with image=[title]."
    )


def _classes(request: Request, found: Image) -> tuple[list[str], list[int]]:
    """Return names of the stack's channels, and their label values, by what knows the names.

    First the stack itself, then the classifier, then the session.
    """
    count = found.shape[2]
    labels = list(found.metadata.get("slice_labels") or [])[:count]
    named = [str(labels[k]) if k < len(labels) and labels[k] else "" for k in range(count)]
    known = {name: value for value, name in request.session.classes.items()}
    model = request.session.model
    if model is not None:
        known |= dict(zip(model.class_names, model.class_values, strict=True))
    known |= {name: value for value, name in (carried_names(found) or {}).items()}
    values = [known.get(name, k + 1) for k, name in enumerate(named)]
    if len(set(values)) != count:
        values = list(range(1, count + 1))
    return [name or f"class {values[k]}" for k, name in enumerate(named)], values
