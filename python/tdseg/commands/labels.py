"""TDS Save Labels, Load Labels and Labels to Image."""

from __future__ import annotations

from tdseg.commands.label_source import read_labels
from tdseg.commands.reply import ImageResult, OverlayEdit, Reply
from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.images.planes import slice_labels
from tdseg.labels.carried_names import names_line
from tdseg.labels.roi_archive import write_roi_zip
from tdseg.labels.roi_bytes import read_checked_rois


def save_labels(request: Request) -> Reply:
    """Save the overlay's labels as a RoiSet."""
    image = request.image
    path, existing = request.path(suffix=".zip"), request.options.existing
    rois = image.rois("overlay as it is")
    if not rois:
        raise TdsegError(f"Image '{image.title}' has no overlay to save; add labels first.")
    wrote = write_roi_zip(path, rois, existing=existing)
    request.progress.note(
        f"Saved {len(rois)} labels to '{path}'." if wrote else f"File '{path}' exists; kept."
    )
    return Reply({"path": str(path), "existing": existing})


def load_labels(request: Request) -> Reply:
    """Add the labels of a file to the overlay."""
    path, replace = request.existing_path(".zip"), request.options.replace
    found = read_checked_rois(path, request.progress.note)
    rois = [(roi.name, roi.data) for roi in found]
    request.progress.note(f"Loaded {len(rois)} labels from '{path}'.")
    edit = OverlayEdit(add=rois, replace=replace)
    return Reply({"path": str(path), "replace": replace}, edits=[edit])


def labels_to_image(request: Request) -> Reply:
    """Show the labels as a label image."""
    image = request.image.read()
    found = read_labels(request, image)
    array = found.to_label_image()[:, :, None]
    title, info = f"{request.image.stem}-labels", names_line(found.class_names)
    shown = ImageResult("labels", title, array, request.image, slice_labels(image), info)
    return Reply(request.resolved(), images=[shown])
