"""Rows of numbers and words as ImageJ tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jpype

from tdseg.imagej.java import jc

_ours = ""


def results_table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Make an ``ij.measure.ResultsTable``; columns in the order in which the rows name them.

    Numbers stay numbers, anything else becomes text; a missing value is empty.
    """
    table = jc.ResultsTable()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for row in rows:
        table.incrementCounter()
        for name in columns:
            value = row.get(name)
            if isinstance(value, bool) or value is None or isinstance(value, str):
                table.addValue(name, "" if value is None else str(value))
            else:
                table.addValue(name, jpype.JDouble(float(value)))
    table.setPrecision(4)
    return table


def show_table(title: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Show rows in a table window.

    Without a display there are no table windows: then the rows become ImageJ's Results table,
    where ``getResult``, ``nResults`` and ``saveAs("Results", path)`` find them, unless a macro's
    own measurements are there.

    Returns
    -------
    ij.measure.ResultsTable
        The table.
    """
    global _ours
    table = results_table(rows)
    table.show(title)
    if jc.GraphicsEnvironment.isHeadless():
        analyzer = jpype.JClass("ij.plugin.filter.Analyzer")
        current = analyzer.getResultsTable()
        if current is None or current.size() == 0 or _text(current) == _ours:
            analyzer.setResultsTable(table)
            _ours = _text(table)
    return table


def _text(table: Any) -> str:
    """Return a table's words and numbers, to tell whether it is still what it was."""
    rows = [str(table.getRowAsString(i)) for i in range(int(table.size()))]
    return "\n".join([str(table.getColumnHeadings()), *rows])
