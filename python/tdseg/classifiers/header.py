"""What the header of a ``.tdseg`` file must hold; checked before a model is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from tdseg.backbones.base import WeightsInfo
from tdseg.classifiers.evaluation import HeldOutReport
from tdseg.classifiers.stored import shown
from tdseg.errors import TdsegError

KNOWN = frozenset(
    "format format_version settings features classes channels rgb dtype backbone further_backbones "
    "upsampler report summary versions classifier".split()
)
MAX_LABEL = 65535

Value = TypeVar("Value")


class NewerFileError(TdsegError):
    """The file holds something that this version does not know."""


def damaged(what: str, value: object) -> TdsegError:
    """Return the error for a part of the header that cannot be."""
    return TdsegError(f"its header has {what} {shown(value)}")


def check_known(
    names: Sequence[str] | Mapping[str, Any], known: frozenset[str], where: str
) -> None:
    """Raise `NewerFileError` where there is more than this version knows: it may change pixels."""
    more = sorted(set(names) - known)
    if more:
        raise NewerFileError(f"{where} has '{more[0]:.80}', which this version does not know")


def item(header: Mapping[str, Any], key: str, kind: type[Value]) -> Value:
    """Return an entry of the header if it is of a type."""
    value = header.get(key)
    if not isinstance(value, kind):
        raise damaged(f"no valid '{key}':", value)
    return value


def names_of(header: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of names, of which there is at least one."""
    values = item(header, key, list)
    if not values:
        raise damaged(f"an empty '{key}':", values)
    return tuple(plain_text(value, key) for value in values)


def plain_text(value: object, key: str) -> str:
    """Return a text that can be printed and written: no control characters, valid Unicode."""
    if not isinstance(value, str) or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in value):
        raise damaged(f"a name in '{key}' that is no text:", value)
    return value


def classes_of(header: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return label values, distinct from 1 to 65,535, and names of the classes."""
    values, names = [], []
    for entry in item(header, "classes", list):
        value = entry.get("value") if isinstance(entry, dict) else None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LABEL:
            raise damaged("a class without a label value from 1 to 65535:", entry)
        values.append(value)
        names.append(plain_text(entry.get("name"), "classes"))
    if len(set(values)) != len(values) or not values:
        raise damaged("label values that are missing or come twice:", values)
    return tuple(values), tuple(names)


def weights_of(header: Mapping[str, Any], key: str) -> WeightsInfo | None:
    """Return what is said of a network's weights."""
    found = header.get(key)
    return None if found is None else _weights_info(found, key)


def backbones_of(header: Mapping[str, Any]) -> tuple[WeightsInfo, ...]:
    """Return what is said of the weights of all backbones, in their order."""
    first = weights_of(header, "backbone")
    more = header.get("further_backbones", [])
    if not isinstance(more, list) or (more and first is None):
        raise damaged("no valid 'further_backbones':", more)
    further = tuple(_weights_info(found, "further_backbones") for found in more)
    return further if first is None else (first, *further)


def _weights_info(found: object, key: str) -> WeightsInfo:
    if not isinstance(found, dict):
        raise damaged(f"no valid '{key}':", found)
    known = frozenset(field.name for field in fields(WeightsInfo))
    check_known(found, known, f"'{key}'")
    if set(found) != known:
        raise damaged(f"an incomplete '{key}':", found)
    if not all(isinstance(value, str) for value in found.values()):
        raise damaged(f"no valid '{key}':", found)
    return WeightsInfo(**found)


def report_of(header: Mapping[str, Any]) -> HeldOutReport | None:
    """Return the held-out figures, if all of them are figures."""
    found = header.get("report")
    if found is None:
        return None
    if not isinstance(found, dict):
        raise damaged("no valid 'report':", found)
    report = HeldOutReport.from_dict(found)
    count = len(report.class_names)

    def whole(values: object) -> bool:
        return (
            isinstance(values, tuple)
            and len(values) == count
            and all(type(v) is int and v >= 0 for v in values)
        )

    shares = (report.precision, report.recall, report.f1, report.iou)
    lists = (report.class_names, report.optimistic_classes, report.untested_classes)
    right = (
        all(isinstance(v, tuple) and all(isinstance(n, str) for n in v) for v in lists)
        and all(isinstance(v, tuple) and len(v) == count for v in shares)
        and all(v is None or (type(v) in (int, float) and 0 <= v <= 1) for s in shares for v in s)
        and whole(report.support)
        and isinstance(report.confusion, tuple)
        and len(report.confusion) == count
        and all(whole(row) for row in report.confusion)
        and type(report.n_folds) is int
        and isinstance(report.grouping, str)
        and isinstance(report.choice, str)
        and type(report.seconds) in (int, float)
        and isinstance(report.top_features, tuple)
        and all(
            isinstance(v, tuple)
            and len(v) == 2
            and isinstance(v[0], str)
            and type(v[1]) in (int, float)
            for v in report.top_features
        )
    )
    if not right:
        raise damaged("a damaged 'report':", found)
    return report
