"""The page for users of Trainable Weka Segmentation leaves out none of its macro calls."""

from __future__ import annotations

import re

import pytest
from page_blocks import ROOT, RUN

# What `record(...)` of TWS 4.0 (commit 41c7083) writes as
# call("trainableSegmentation.Weka_Segmentation.NAME", ...).
CALLS = """
addTrace applyClassifier changeClassColor changeClassName createNewClass deleteTrace
getProbability getResult launchWeka loadClassifier loadData plotResultGraphs saveClassifier
saveData saveFeatureStack setClassBalance setClassHomogenization setClassifier setFeature
setMaximumSigma setMembranePatchSize setMembraneThickness setMinimumSigma setOpacity toggleOverlay
trainClassifier
""".split()
PAGE = (ROOT / "docs" / "from-weka.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_has_a_line_of_ours_or_a_reason(call):
    (row,) = [row for row in ROWS if re.search(rf"`{call}\(", row[0])]
    answered = RUN.search(row[1]) or row[1] == "`Overlay.removeSelection(2)`"
    assert answered or len(row[2]) > 10, row


def test_the_page_names_no_call_that_tws_lacks():
    """But for the one that opens its window."""
    named = {name for row in ROWS for name in re.findall(r"`(\w+)\(", row[0])} - {"run"}
    assert named == set(CALLS)
