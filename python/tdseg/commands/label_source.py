"""Where a command's labels come from: the key ``labels`` and its companions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tdseg.errors import TdsegError
from tdseg.labels.colours import glasbey
from tdseg.labels.label_images import labels_from_image
from tdseg.labels.roi_classes import hex_values
from tdseg.labels.roi_files import labels_from_rois, read_roi, read_rois
from tdseg.labels.roi_rules import Canvas, Rules
from tdseg.labels.sparse_labels import SparseLabels
from tdseg.runtime.files import check_source

if TYPE_CHECKING:
    from tdseg.commands.request import HostImage, Request
    from tdseg.images.image import Image
    from tdseg.labels.roi_format import DecodedRoi

_NONE = {
    "overlay": "Image '{title}' has no overlay; add labels with TDS Add Label..., or choose "
    "another source with the key 'labels'.",
    "manager": "The ROI Manager is not open or empty; add ROIs to it, or use labels=overlay "
    "(without a display there is no ROI Manager).",
    "selection": "Image '{title}' has no selection; draw one.",
}
_SOURCES = {"overlay": "its overlay", "manager": "the ROI Manager", "selection": "the selection"}


def read_labels(
    request: Request, image: Image, classes: Mapping[int, str] | None = None
) -> SparseLabels:
    """Return the labels that the request's keys name, with their class names.

    Parameters
    ----------
    request
        Of the command.
    image
        What is labelled.
    classes
        Names that count before those of ROIs; the session's other names count where a ROI has none.
        Default: all of the session.
    """
    options: Any = request.options
    classes = request.session.classes if classes is None else classes
    if options.labels == "image":
        found = _from_label_image(request, image)
    else:
        rois = rois_of(request)
        source = _SOURCES.get(options.labels, f"file '{options.labels_path}'")
        names = dict(classes)
        if options.class_from == "group":
            names = {**request.host.group_names(), **names}
        colours = hex_values(glasbey()) if options.class_from == "color" else {}
        rules = Rules(options.class_from, options.unpositioned, options.overlap, names, colours)
        note = request.progress.note
        found = labels_from_rois(rois, canvas_of(request.image), rules, note, source)
    known = {**request.session.classes, **found.class_names, **classes}
    names = {value: known.get(value, found.name_of(value)) for value in found.values}
    return replace(found, class_names=names)


def rois_of(request: Request) -> list[DecodedRoi]:
    """Return the ROIs that the keys ``labels`` and ``labels_path`` name.

    Raises
    ------
    TdsegError
        If there are none.
    """
    options: Any = request.options
    if options.labels == "file":
        return read_rois(request.path("labels_path"), request.progress.note)
    found = [read_roi(data) for data in request.image.rois(options.labels)]
    if not found:
        raise TdsegError(_NONE[options.labels].format(title=request.image.title))
    return found


def canvas_of(image: HostImage) -> Canvas:
    """Describe an image for the rules."""
    t, z, c, height, width = image.shape
    return Canvas(image.title, c, (t, z, height, width), image.plane)


def find_open(request: Request, title: str, key: str) -> HostImage:
    """Return the open image of this title.

    Raises
    ------
    TdsegError
        If none or several have it.
    """
    same = [image for image in request.host.open_images() if image.title == title]
    if not same:
        raise TdsegError(f"Key '{key}': no image called '{title}' is open.")
    if len(same) > 1:
        raise TdsegError(
            f"Key '{key}': {len(same)} open images are called '{title}'; rename one "
            "(Image > Rename...), so that it is clear which is meant."
        )
    return same[0]


def find_all_open(request: Request, titles: str, key: str) -> list[HostImage]:
    """Return open images of titles that are separated by commas; a title may hold commas too.

    Raises
    ------
    TdsegError
        If a title is not open, is open twice or named twice, or the labels are not in overlays.
    """
    if request.options.labels != "overlay":
        raise TdsegError(
            f"Key '{key}' takes the labels of overlays; leave labels={request.options.labels} out."
        )
    known = {image.title for image in request.host.open_images()}
    parts, found, named = titles.split(","), [], {request.image.title}
    while parts:
        lengths = range(len(parts), 0, -1)
        length = next((n for n in lengths if ",".join(parts[:n]).strip() in known), 1)
        title = ",".join(parts[:length]).strip()
        found.append(find_open(request, title, key))
        if title in named:
            raise TdsegError(f"Key '{key}': image '{title}' trains already; name it once.")
        named.add(title)
        parts = parts[length:]
    return found


def _from_label_image(request: Request, image: Image) -> SparseLabels:
    """Take the labels of a label image, an open one or a file: 0 is unlabelled, k is class k."""
    options: Any = request.options
    if options.labels_image is not None:
        source: HostImage | None = find_open(request, options.labels_image, "labels_image")
    elif options.labels_path is not None:
        path = check_source(request.path("labels_path"), "label image")
        source = request.host.open_file(path)
        if source is None:
            raise TdsegError(f"Key 'labels_path': '{path}' cannot be opened as an image.")
    else:
        raise TdsegError(
            "labels=image needs labels_image=[title] of an open image, or labels_path=[file]."
        )
    assert source is not None
    return labels_from_image(source.read(), image, request.session.classes, request.progress.note)
