"""TDS Status and TDS Macro Extensions."""

from __future__ import annotations

from tdseg.commands.reply import Reply, TableResult
from tdseg.commands.request import Request
from tdseg.workflow.report import report_rows


def status(request: Request) -> Reply:
    """Tell what runs, and what else a bug report needs, as a table and in the Log."""
    rows = report_rows(session=request.session, host=request.host.versions())
    for name, value in rows:
        request.progress.note(f"{name}: {value}")
    table = TableResult("TDS Status", [{"Item": name, "Value": value} for name, value in rows])
    return Reply(tables=[table])


def macro_extensions(request: Request) -> Reply:
    """Make ``Ext.TDS_...`` known to the macro that runs."""
    return Reply(extensions=True)
