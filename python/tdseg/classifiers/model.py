"""A trained classifier with everything needed to apply it elsewhere."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg._version import __version__
from tdseg.backbones.base import WeightsInfo
from tdseg.classifiers.base import Classifier
from tdseg.classifiers.evaluation import HeldOutReport
from tdseg.classifiers.fitting import from_storage, to_storage
from tdseg.classifiers.header import (
    KNOWN,
    NewerFileError,
    backbones_of,
    check_known,
    classes_of,
    item,
    names_of,
    plain_text,
    report_of,
    weights_of,
)
from tdseg.classifiers.identity import classifier_hash
from tdseg.classifiers.provenance import made_with
from tdseg.classifiers.storage import read_archive, write_archive
from tdseg.classifiers.stored import stored_array
from tdseg.errors import TdsegError
from tdseg.options.declare import index_of
from tdseg.options.settings import RETIRED, Settings
from tdseg.runtime.files import check_target, is_folder

_PACKAGES = ("tdseg", "numpy", "scikit-learn", "torch", "timm", "numba")


@dataclass(frozen=True)
class Model:
    """A trained pixel classifier.

    Attributes
    ----------
    classifier
        What turns features into probabilities.
    settings
        The training's settings, nothing left on ``auto``.
    feature_names
        The F features that it expects, in order.
    class_values, class_names
        Label value and name of each of the K classes, ascending by value.
    channels, rgb
        The channel rule: names of the channels that it was trained on, and whether they are
        colours.
    dtype
        Type of the training images' pixels.
    ranges
        (C, 2) what the backbone sees as 0 and 1 under ``normalize=none``; None otherwise.
    weights, upsampler
        The weights of the backbones in their order, none without deep features; those of a
        learned upsampler.
    report
        Held-out precision, recall and F1; None when switched off.
    summary
        Facts of the training: images, pixels a class, seconds.
    name
        File name, or the training image's title.
    """

    classifier: Classifier
    settings: Settings
    feature_names: tuple[str, ...]
    class_values: tuple[int, ...]
    class_names: tuple[str, ...]
    channels: tuple[str, ...]
    rgb: bool
    dtype: str
    ranges: npt.NDArray[np.float64] | None
    weights: tuple[WeightsInfo, ...]
    report: HeldOutReport | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    name: str = "classifier"
    upsampler: WeightsInfo | None = None

    def save(self, path: str | Path, *, existing: str = "overwrite") -> Path:
        """Write a ``.tdseg`` file; it appears only when complete.

        Parameters
        ----------
        path
            Where to; ``.tdseg`` is appended where there is no extension.
        existing
            "overwrite", "error", or "skip" (keep the file that is there).

        Returns
        -------
        Path
            The file.

        Raises
        ------
        TdsegError
            If the folder is missing or not writable, or the file exists and `existing` is "error".
        """
        path = classifier_path(path)
        if not check_target(path, existing):
            return path
        header, arrays = to_storage(self.classifier)
        if self.ranges is not None:
            arrays = {**arrays, "ranges": np.asarray(self.ranges, np.float64)}
        write_archive(path, {**self.header(), "classifier": header}, arrays, existing=existing)
        return path

    def header(self) -> dict[str, Any]:
        """Return what ``header.json`` holds, but for the classifier's own part."""
        further = len(self.weights) > 1
        return {
            "settings": self.settings.to_dict(),
            "features": list(self.feature_names),
            "classes": [
                {"value": v, "name": n}
                for v, n in zip(self.class_values, self.class_names, strict=True)
            ],
            "channels": list(self.channels),
            "rgb": self.rgb,
            "dtype": self.dtype,
            "backbone": asdict(self.weights[0]) if self.weights else None,
            # Only where there are such, so that versions before can read the other files.
            **({"further_backbones": [asdict(w) for w in self.weights[1:]]} if further else {}),
            "upsampler": asdict(self.upsampler) if self.upsampler else None,
            "report": self.report.to_dict() if self.report else None,
            "summary": dict(self.summary),
            "versions": package_versions(),
        }

    @cached_property
    def sha256(self) -> str:
        """Which classifier it is, see `classifier_hash`; the same for its file and every copy."""
        return classifier_hash(self)

    def info(self, settings: Settings | None = None) -> dict[str, str]:
        """Return what made a result as lines of its info.

        Parameters
        ----------
        settings
            Those that ran, where they are not the training's.
        """
        return made_with(settings or self.settings, self.weights, self.upsampler, self.sha256)


def classifier_path(path: str | Path) -> Path:
    """Return the file that saving to `path` writes: ``.tdseg`` is appended where it lacks."""
    path = Path(path)
    if path.suffix == "" and not is_folder(path):
        return path.with_name(path.name + ".tdseg")
    return path


def load(path: str | Path) -> Model:
    """Read a ``.tdseg`` file; no code in it is run.

    Raises
    ------
    TdsegError
        If the file is missing, truncated, not a classifier of tdseg, or of a newer version.
    """
    path = Path(path)
    header, arrays = read_archive(path)
    try:
        return _model_of(header, arrays, path.name)
    except NewerFileError as error:
        raise TdsegError(
            f"The classifier file {path} was written by a later version of tdseg: {error}; "
            "update tdseg."
        ) from error
    except TdsegError as error:
        raise TdsegError(f"The classifier file {path} cannot be used: {error}") from error
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
        raise TdsegError(
            f"The classifier file {path} is damaged: its header lacks or garbles {error!s:.80}; "
            "save the classifier again."
        ) from error


def _model_of(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]], name: str) -> Model:
    """Make a model of what a file holds; everything is checked first."""
    check_known(header, KNOWN, "its header")
    settings = item(header, "settings", dict)
    check_known(settings, frozenset(index_of(Settings)) | frozenset(RETIRED), "'settings'")
    feature_names = names_of(header, "features")
    values, names = classes_of(header)
    channels = names_of(header, "channels")
    classifier = from_storage(item(header, "classifier", dict), arrays)
    check_known(arrays, classifier.stored_names() | {"ranges"}, "its arrays")
    if classifier.n_features != len(feature_names) or classifier.n_classes != len(values):
        raise TdsegError(
            f"its header names {len(feature_names)} features and {len(values)} classes, its "
            f"classifier has {classifier.n_features} and {classifier.n_classes}; save it again."
        )
    ranges = arrays.get("ranges")
    if ranges is not None:
        ranges = stored_array(arrays, "ranges", "f", (None, 2))
        if not np.isfinite(ranges).all() or not (ranges[:, 0] < ranges[:, 1]).all():
            raise TdsegError("its grey ranges are not finite or not in order; save it again.")
    return Model(
        classifier=classifier,
        # Files of before there was `augment` were trained without.
        settings=Settings.from_mapping({"augment": "none", **settings}),
        feature_names=feature_names,
        class_values=values,
        class_names=names,
        channels=channels,
        rgb=item(header, "rgb", bool),
        dtype=plain_text(header.get("dtype"), "dtype"),
        ranges=ranges,
        weights=backbones_of(header),
        # Files of before there were learned upsamplers say nothing of them.
        upsampler=weights_of(header, "upsampler"),
        report=report_of(header),
        summary=item(header, "summary", dict),
        name=name,
    )


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter to a result."""
    return {"python": platform.python_version(), **{p: _version(p) for p in _PACKAGES}}


def _version(package: str) -> str:
    if package == "tdseg":  # the code that runs, whatever is installed besides
        return __version__
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
