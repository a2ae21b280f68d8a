"""ImageJ as a host of commands: images and ROIs in plain data, replies shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tdseg.commands.reply import OverlayEdit, Reply
from tdseg.commands.request import Host, HostImage
from tdseg.imagej.extensions import register
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.java import jc
from tdseg.imagej.results import imageplus_of, source_of
from tdseg.imagej.rois import (
    add_to_overlay,
    decoded,
    drawable,
    encoded,
    group_names,
    managed_rois,
    on_slice,
    outline_roi,
    place,
    set_group_names,
)
from tdseg.imagej.tables import show_table
from tdseg.images.host_stack import check_unchanged
from tdseg.images.image import Image
from tdseg.runtime.memory import GIB
from tdseg.workflow.session import Session


@dataclass(frozen=True)
class FijiImage(HostImage):
    """An open ImagePlus."""

    imp: Any = None


def host_image(imp: Any) -> FijiImage:
    """Describe an ImagePlus; nothing is copied until it is read."""
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    shape = (frames, slices, channels, height, width)
    return FijiImage(
        title=str(imp.getTitle()),
        identity=str(imp.getID()),
        shape=shape,
        plane=(int(imp.getT()) - 1) * slices + int(imp.getZ()) - 1,
        read=lambda: _read(imp, shape),
        rois=lambda source: _rois(imp, source),
        made_from=source_of(imp),
        imp=imp,
    )


def _read(imp: Any, shape: tuple[int, ...]) -> Image:
    """Read an ImagePlus that is still of the shape for which the command draws labels."""
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    now = (frames, slices, channels, height, width)
    check_unchanged(str(imp.getTitle()), now, shape)
    return from_imageplus(imp)


def fiji_host() -> Host:
    """Describe this ImageJ."""
    return Host(
        open_images=lambda: [host_image(imp) for imp in open_images()],
        open_file=_open_file,
        group_names=group_names,
        has_manager=not jc.GraphicsEnvironment.isHeadless(),
        versions=versions,
    )


def versions() -> dict[str, str]:
    """Return the versions of this Java and ImageJ, and what memory they have."""
    system = jc.System.getProperty
    windows = "without" if jc.GraphicsEnvironment.isHeadless() else "with"
    return {
        "Java": f"{system('java.version')} ({system('java.vendor')})",
        "ImageJ": f"{jc.IJ.getVersion()}, in Python's process, {windows} windows",
        "memory of ImageJ": f"{int(jc.IJ.maxMemory()) / GIB:.1f} GiB",
    }


def open_images() -> list[Any]:
    """Return all open ImagePlus, those of batch mode too."""
    ids = jc.WindowManager.getIDList() or []
    images = [jc.WindowManager.getImage(int(number)) for number in ids]
    batch = jc.Interpreter.getBatchModeImageIDs() or []
    images += [jc.Interpreter.getBatchModeImage(int(number)) for number in batch]
    return list({int(imp.getID()): imp for imp in images if imp is not None}.values())


def show(reply: Reply, active: FijiImage | None, session: Session) -> None:
    """Show a reply: new images, tables, labels in the overlay, names of groups."""
    if reply.group_names is not None:
        set_group_names(reply.group_names)
    if reply.extensions:
        register(session)
    for edit in reply.edits:
        assert active is not None
        _edit(edit, active.imp)
    for table in reply.tables:
        show_table(table.title, table.rows)
    for image in reply.images:
        assert isinstance(image.source, FijiImage)
        imageplus_of(image, image.source.imp).show()


def _edit(edit: OverlayEdit, imp: Any) -> None:
    rois = [decoded(data, name) for name, data in edit.add]
    rois += [outline_roi(outline, imp) for outline in edit.outlines]
    if edit.label_selection is not None:
        group, name = edit.label_selection
        label = imp.getRoi().clone()
        label.setGroup(group)
        label.setName(name)
        if imp.isHyperStack() or imp.getStackSize() == 1:
            place(label, imp, int(imp.getZ()), int(imp.getT()), int(imp.getC()))
        else:  # an image without a window knows its slice alone
            on_slice(label, int(imp.getCurrentSlice()))
        rois.append(label)
    if edit.where == "manager":
        manager = jc.RoiManager.getRoiManager()
        for roi in rois:
            manager.addRoi(roi)
        return
    add_to_overlay(imp, rois, replace=edit.replace)


def _rois(imp: Any, source: str) -> Sequence[bytes]:
    width, height = int(imp.getWidth()), int(imp.getHeight())
    if source == "selection":
        roi = imp.getRoi()
        found = [] if roi is None else [_on_current_plane(roi, imp)]
    elif source == "manager":
        found = managed_rois()
    else:
        overlay = imp.getOverlay()
        found = [] if overlay is None else list(overlay.toArray())
    if source == "overlay as it is":
        return [encoded(roi) for roi in found]
    return [encoded(drawable(roi, width, height)) for roi in found]


def _on_current_plane(roi: Any, imp: Any) -> Any:
    """Place a selection where the user sees it now: that needs no line in the Log."""
    if isinstance(roi, jc.PointRoi) or roi.hasHyperStackPosition() or roi.getPosition() > 0:
        return roi
    roi = roi.clone()
    roi.setPosition(int(imp.getCurrentSlice()))
    return roi


def _open_file(path: Path) -> FijiImage | None:
    imp = jc.IJ.openImage(str(path))
    return None if imp is None else host_image(imp)
