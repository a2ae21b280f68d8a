"""The lines of info that tdseg wrote into a result: ImageJ TIFF, OME-TIFF or OME-Zarr."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from tdseg.images.ome_tiff_writing import NAMESPACE
from tdseg.images.zarr_metadata import group_attributes
from tdseg.runtime.files import is_folder


def read_info(path: Path) -> str:
    """Return the info of a file or OME-Zarr, a line ``key: value`` each; "" if there is none.

    Raises
    ------
    OSError, ValueError, tifffile.TiffFileError, TdsegError
        If it cannot be read.
    """
    if is_folder(path):
        return zarr_info(group_attributes(path)[0])
    with tifffile.TiffFile(path) as tif:
        if tif.is_ome:
            return ome_info(tif.ome_metadata or "")
        return str((tif.imagej_metadata or {}).get("Info") or "")


def lines_of(info: Mapping[str, str]) -> str:
    """Return info as text, a line ``key: value`` each."""
    return "".join(f"{key}: {value}\n" for key, value in info.items())


def zarr_info(attributes: Mapping[str, object]) -> str:
    """Return the info among the attributes of an OME-Zarr's group."""
    kept = attributes.get("tdseg")
    info = kept.get("info") if isinstance(kept, dict) else None
    return lines_of({str(k): str(v) for k, v in info.items()}) if isinstance(info, dict) else ""


def ome_info(xml: str) -> str:
    """Return the info in the annotations of OME-XML."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return ""
    for note in root.iter():
        if note.tag.endswith("}MapAnnotation") and note.get("Namespace") == NAMESPACE:
            pairs = (e for e in note.iter() if e.tag.endswith("}M"))
            return lines_of({str(e.get("K")): e.text or "" for e in pairs})
    return ""
