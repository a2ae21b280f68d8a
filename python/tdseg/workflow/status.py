"""What runs: device, backbone, weights, cache, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdseg.backbones.devices import resolve_device
from tdseg.backbones.loading import choose_backbone, load_backbone
from tdseg.classifiers.model import package_versions
from tdseg.errors import TdsegError
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
    name, reason = choose_backbone(settings.backbone, settings.weights or None)
    device, precision = resolve_device(settings.device, settings.precision, backbone=name)
    rows = [
        ("device", device),
        ("precision", precision),
        ("backbone", name),
        ("backbone reason", reason),
    ]
    try:
        info = load_backbone(name, weights=settings.weights or None, device=device).weights
        rows += [
            ("weights", info.name),
            ("weights hash", info.sha256),
            ("weights licence", info.licence),
            ("weights source", info.source),
        ]
    except TdsegError as error:
        rows.append(("weights", str(error)))
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
                f"{model.name}: {model.classifier.kind}, {len(model.feature_names)} "
                f"{model.settings.features} features, {len(model.class_values)} classes",
            )
        )
        if model.weights:
            rows.append(("classifier backbone", f"{model.weights.name} ({model.weights.source})"))
    rows += [
        ("training images", str(len(session.examples))),
        ("cached images", f"{session.cache.count} ({session.cache.bytes / GIB:.2f} GiB)"),
        ("cache folder", str(session.cache.folder or "none; TDSEG_CACHE names one")),
        ("running", session.running or "nothing"),
        ("waiting", str(session.waiting)),
    ]
    return rows
