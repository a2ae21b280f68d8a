"""TDS Status and TDS Macro Extensions."""

from __future__ import annotations

from typing import Any

from tdseg.imagej.extensions import register
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.tables import show_table
from tdseg.workflow.status import status_rows


def status(call: Call) -> dict[str, Any]:
    """Show what runs as a table, and print it to the Log."""
    rows = status_rows(session=call.session)
    show_table("TDS Status", [{"Item": name, "Value": value} for name, value in rows])
    for name, value in rows:
        call.progress.note(f"{name}: {value}")
    return {}


def macro_extensions(call: Call) -> dict[str, Any]:
    """Register ``Ext.TDS_...`` for the macro that runs."""
    register(call.session)
    return {}
