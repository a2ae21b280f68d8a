"""``Ext.TDS_...``: what the functions for macros answer, without Java."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from tdseg.errors import TdsegError

if TYPE_CHECKING:
    from tdseg.workflow.session import Session

Kind = Literal["text", "number"]


def class_count(session: Session) -> str:
    """Return the number of classes."""
    return str(len(_classes(session)))


def class_name(session: Session, value: object) -> str:
    """Return the name of a label value."""
    number = int(float(str(value)))
    names = _classes(session)
    if number not in names:
        listing = ", ".join(map(str, names)) or "none"
        raise TdsegError(f"Ext.TDS_className: there is no class {number}. Classes: {listing}.")
    return names[number]


def status_item(session: Session, item: object) -> str:
    """Return one value of the Status table."""
    from tdseg.workflow.status import status_rows

    rows = dict(status_rows(session=session))
    if str(item) not in rows:
        raise TdsegError(f"Ext.TDS_status: no item '{item}'. Items: {', '.join(rows)}.")
    return rows[str(item)]


FUNCTIONS: dict[str, tuple[Sequence[Kind], Callable[..., str]]] = {
    "TDS_classCount": ((), class_count),
    "TDS_className": (("number",), class_name),
    "TDS_status": (("text",), status_item),
}
"""Each function with the kinds of its arguments; it takes the session before them."""


def _classes(session: Session) -> dict[int, str]:
    if session.classes or session.model is None:
        return session.classes
    return dict(zip(session.model.class_values, session.model.class_names, strict=True))
