"""TDS Features."""

from __future__ import annotations

from tdseg.commands.reply import ImageResult, Reply
from tdseg.commands.request import Request
from tdseg.commands.selection import area_mask
from tdseg.images.planes import planes_of_slices
from tdseg.workflow.features import compute_features


def features(request: Request) -> Reply:
    """Compute the features of the active image as a stack."""
    options = request.options
    image = request.image.read()
    planes = planes_of_slices(image, options.slices, request.image.plane)
    stack = compute_features(
        image,
        request.settings(),
        components=options.components,
        planes=planes,
        cache=request.session.cache,
        progress=request.progress,
    )
    array = stack.array
    array = array[None, None] if array.ndim == 3 else array
    region = area_mask(request)
    if region is not None:
        array[..., ~region] = 0
    title = f"{request.image.stem}-features"
    result = ImageResult(
        "features", title, array, request.image, stack.names, stack.info, planes=planes
    )
    return Reply(request.resolved(stack.settings), images=[result])
