"""What others say of the OME-Zarr and OME-TIFF that tdseg writes: run by hand, elsewhere.

In an environment of its own (tdseg is not needed there), on results of a folder job:

    pip install ome-zarr-models lxml tifffile imagecodecs
    python other_readers.py RESULTS --xsd ome.xsd

RESULTS has ``*.ome.zarr`` folders and tiled ``*.tif`` files; ``ome.xsd`` is the schema 2016-06 of
the repository ome/ome-model. Prints a line each; the status is 1 if one is not valid.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def check_zarr(folder: Path) -> str:
    """Validate a group by ome-zarr-models; labels must be an image-label."""
    import ome_zarr_models
    import zarr

    found = ome_zarr_models.open_ome_zarr(zarr.open_group(str(folder), mode="r"))
    kind = type(found).__name__
    assert (kind == "ImageLabel") == folder.name.endswith("labels.ome.zarr"), kind
    return f"{type(found).__module__.split('.')[1]} {kind}"


def check_tiff(file: Path, xsd: Path) -> str:
    """Validate the OME-XML by its schema, and read the levels by tifffile."""
    import tifffile
    from lxml import etree

    with tifffile.TiffFile(file) as tif:
        schema = etree.XMLSchema(etree.fromstring(xsd.read_bytes()))
        schema.assertValid(etree.fromstring((tif.ome_metadata or "").encode()))
        levels = [level.shape for level in tif.series[0].levels]
        assert tif.is_bigtiff, "not BigTIFF"
        return f"{tif.series[0].axes} {levels}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--xsd", type=Path)
    given = parser.parse_args()
    bad = 0
    for path in sorted(given.results.rglob("*")):
        try:
            if path.name.endswith(".ome.zarr"):
                print(path.name, check_zarr(path))
            elif path.suffix == ".tif" and given.xsd is not None:
                print(path.name, check_tiff(path, given.xsd))
        except Exception as error:
            bad = 1
            print(path.name, "NOT VALID:", error)
    return bad


if __name__ == "__main__":
    sys.exit(main())
