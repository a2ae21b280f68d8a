"""What runs: device, backbone, weights, cache, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdseg.backbones.devices import resolve_device
from tdseg.backbones.loading import choose_backbone, load_backbone
from tdseg.classifiers.model import package_versions
from tdseg.errors import TdsegError
from tdseg.features.several import names_of_backbones, weights_of_backbones
from tdseg.options.settings import Settings
from tdseg.runtime.memory import GIB, free_memory, memory_budget
from tdseg.runtime.threads import thread_count

if TYPE_CHECKING:
    from tdseg.workflow.session import Session


def status_rows(
    values: Mapping[str, Any] | None = None, session: Session | None = None
) -> list[tuple[str, str]]:
    """Return names and values for the Status table.

    Parameters
    ----------
    values
        Keys to resolve instead of the defaults: backbone, weights, device, precision.
    session
        The serving session, if there is one: its classifier, classes and cache are told too.
    """
    settings = Settings(**dict(values or {}))
    # A classifier brings its own backbone; what a new training would use stands beside it.
    names = names_of_backbones(settings.backbone)
    rows: list[tuple[str, str]] = []
    for name, file in zip(names, weights_of_backbones(settings.weights, len(names)), strict=True):
        rows += _backbone_rows(name, file, settings, keep=len(names))
    if session is not None:
        rows += session_rows(session)
    free = free_memory() / GIB
    limit = memory_budget("auto") / GIB
    rows += [
        ("threads", str(thread_count())),
        ("memory", f"{free:.1f} GiB free, {limit:.1f} GiB used at most (memory_limit=auto)"),
    ]
    rows += list(package_versions().items())
    return rows


def _backbone_rows(
    asked: str, file: str | None, settings: Settings, keep: int
) -> list[tuple[str, str]]:
    """Return what one backbone is, and where it would run."""
    name, reason = choose_backbone(asked, file)
    device, precision = resolve_device(settings.device, settings.precision, backbone=name)
    rows = [
        ("device", device),
        ("precision", precision),
        ("backbone", name),
        ("backbone reason", reason),
    ]
    try:
        info = load_backbone(name, weights=file, device=device, keep=keep).weights
        rows += [
            ("weights", info.name),
            ("weights hash", info.sha256),
            ("weights licence", info.licence),
            ("weights source", info.source),
        ]
    except TdsegError as error:
        rows.append(("weights", str(error)))
    return rows


def session_rows(session: Session) -> list[tuple[str, str]]:
    """Return what the session holds."""
    model = session.model
    classes = ", ".join(f"{v}={n}" for v, n in session.classes.items())
    rows = [("classes", classes or "none named")]
    if model is None:
        rows.append(("classifier", "none"))
    else:
        rows.append(
            (
                "classifier",
                f"{model.classifier.kind}, {len(model.feature_names)} "
                f"{model.settings.features} features, {len(model.class_values)} classes",
            )
        )
        rows.append(("classifier hash", model.sha256))
        if model.weights:
            used = ", ".join(f"{weights.name} ({weights.source})" for weights in model.weights)
            rows.append(("classifier backbone", used))
    rows += [
        ("training images", str(len(session.examples))),
        ("cached images", f"{session.cache.count} ({session.cache.bytes / GIB:.2f} GiB)"),
        ("cache folder", str(session.cache.folder or "none; TDSEG_CACHE names one")),
        ("running", session.running or "nothing"),
        ("waiting", str(session.waiting)),
    ]
    return rows
