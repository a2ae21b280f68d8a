"""The macros of the case studies, on small images: reports that agree with what was written."""

import csv

import numpy as np
import pytest
import tifffile
from sklearn.metrics import jaccard_score

import tdseg
from tdseg.demo import macro_folder
from tdseg.samples.case_folders import case_of_cells, case_of_micrographs, write_case


def run_case(ij, name, folder, **changes):
    """Run a macro with fewer trees; return what it printed."""
    text = (macro_folder() / f"case_{name}.ijm").read_text(encoding="utf-8")
    fast = "classifier=random_forest trees=10 backbone=offline quality=fast augment=none"
    changes = {"classifier=auto": fast, **changes}
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    printed = []
    ij.run_macro(text, str(folder), on_print=printed.append)
    return printed


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_cells(ij, tmp_path):
    folder = tmp_path / "a µ"
    write_case(folder, case_of_cells(labelled=2, unseen=2, size=96))
    one = {'newArray("classical", "deep", "hybrid")': 'newArray("classical")'}
    run_case(ij, "cells", folder, **one)
    results = folder / "results"
    names = {path.name for path in results.iterdir() if path.is_dir()}
    assert names == {f"classical-{how}" for how in ("none", "crf", "auto")}
    for name in names:
        found = rows(results / name / "report.csv")
        assert len(found) == 2
        for row in found:
            labels = tifffile.imread(results / name / row["results"])
            truth = tifffile.imread(folder / "truth" / row["file"])
            expected = jaccard_score(truth.ravel(), labels.ravel(), labels=[1, 2, 3], average=None)
            got = [float(row[f"IoU {c}"]) for c in ("nucleus", "cytoplasm", "background")]
            np.testing.assert_allclose(got, expected, atol=1e-4)
        assert (results / name / "contact-sheet-001.png").is_file()
    model = tdseg.load(results / "classical.tdseg")
    assert model.report.grouping == "image"
    assert model.settings.refine in ("none", "crf")
    plain, crf = (
        tifffile.imread(results / f"classical-{how}" / "cell-03-labels.tif")
        for how in ("none", "crf")
    )
    assert (plain != crf).any()


@pytest.fixture
def micrographs(tmp_path):
    some = ("cathode", "crystals")
    images = [i for i in case_of_micrographs(size=96) if i.place in some and "-3" not in i.name]
    write_case(tmp_path, iter(images))
    for path in (tmp_path / "crystals" / "truth").iterdir():
        path.unlink()
    (tmp_path / "crystals" / "truth").rmdir()
    return tmp_path


def test_the_micrographs_have_names_of_their_own(ij, micrographs):
    ij.run_macro('run("TDS Set Classes...", "classes=[a,b,c]");')  # what another case left behind
    classical = {"features=hybrid": "features=classical"}
    printed = run_case(ij, "micrographs", micrographs, **classical)
    assert [line for line in printed if line in ("cathode", "crystals")] == ["cathode", "crystals"]
    assert tdseg.load(micrographs / "cathode" / "classifier.tdseg").class_names == (
        "pore",
        "particle",
    )
    found = rows(micrographs / "crystals" / "results" / "report-classes.csv")
    assert [row["class"] for row in found] == ["plates", "needles", "background"]
    assert "pooled IoU" not in found[0]  # no truth was given
    known = rows(micrographs / "cathode" / "results" / "report-classes.csv")
    assert float(known[-1]["pooled IoU"]) > 0.4
