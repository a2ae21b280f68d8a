"""Several open images share classes and classifier, and train together."""

from __future__ import annotations

import numpy as np
import tifffile
from panel_user import QUICK, draw, settings


def test_all_labelled_images_train_and_the_session_replays(with_panel, own_imagej, tmp_path):
    y, x = np.mgrid[:90, :90]
    noise = np.random.default_rng(0).normal(0, 12, x.shape)
    for name, grey in (("dark", 60), ("light", 160)):
        folder = tmp_path / name
        folder.mkdir()
        pixels = grey + 30 * (x + y > 90) + noise
        tifffile.imwrite(folder / f"{name}.tif", pixels.astype(np.uint8), imagej=True)
    panel = with_panel()
    opening = "".join(f'open("{tmp_path}/{name}/{name}.tif");\n' for name in ("dark", "light"))
    panel.macro(opening + 'setLocation(5, 300); selectImage("dark.tif"); setLocation(5, 100);')
    panel("panel")
    panel("record")
    settings(panel, *QUICK)
    draw(panel, "5,5 25,25", 1)
    draw(panel, "60,60 80,80", 2)
    panel("click", "Update once")
    panel("overlay")
    panel("rest")
    alone = _result(panel, "dark.tif", tmp_path / "alone.tif")

    # Corrected on the second image: the first is not forgotten.
    panel.macro('selectImage("light.tif");')
    draw(panel, "5,5 25,25", 1)
    draw(panel, "60,60 80,80", 2)
    assert "Images that train" in panel("titles")
    assert int(panel("height")) < 690  # a screen of 768, less its bars
    panel("click", "Update once")
    panel("overlay")
    panel("rest")
    second = _result(panel, "light.tif", tmp_path / "light-result.tif")
    first = _result(panel, "dark.tif", tmp_path / "dark-result.tif")
    truth = 1 + (x + y > 90)
    for found in (first, second):
        assert (found == truth).mean() > 0.85
    panel("picture", str(tmp_path / "images.png"))
    copied, recorded = _macros(panel)

    # Left out: then it is as if it were not there.
    panel.macro('selectImage("dark.tif");')
    panel("click", "train light.tif")
    panel("click", "Update once")
    panel("rest")
    np.testing.assert_array_equal(_result(panel, "dark.tif", tmp_path / "again.tif"), alone)
    panel("click", "train dark.tif")
    panel("click", "Update once")
    assert panel("said").startswith("All labelled images are left out")

    # A macro trains with other settings: the session has that too.
    panel.macro(
        'selectImage("dark.tif"); run("TDS Train...", "features=classical sigma_max=1 trees=5 '
        'classifier=random_forest images=light.tif held_out=false");'
    )
    by_macro = _result(panel, "dark.tif", tmp_path / "by-macro.tif")
    assert not np.array_equal(by_macro, first)
    last, _ = _macros(panel)

    in_recorder = opening + 'selectImage("dark.tif");\n' + recorded
    sessions = ((copied, first), (in_recorder, first), (last, by_macro))
    for number, (macro, expected) in enumerate(sessions):
        saved = tmp_path / f"replayed-{number}.tif"
        save = f'selectImage("dark-labels"); saveAs("Tiff", "{saved}");'
        # The first result of this name is that of the first classifier.
        macro = macro.replace('run("TDS Apply', 'close("*-labels"); run("TDS Apply')
        printed = own_imagej.run_macro(f"setBatchMode(true);\n{macro}\n{save}")
        assert saved.is_file(), printed + macro
        np.testing.assert_array_equal(tifffile.imread(saved), expected)

    # Two images of one title can be told apart by nobody.
    panel("click", "train dark.tif")
    panel("click", "train light.tif")
    panel.macro('selectImage("light.tif"); rename("dark.tif");')
    panel("click", "Update once")
    panel("hears", "Key 'images': 2 open images are called 'dark.tif'; rename one")
    # What a macro cannot know is said in it.
    panel.macro('run("16-bit");')
    panel("click", "Copy as macro")
    assert "'dark.tif' was cropped, scaled or converted after" in panel("copied")


def _result(panel, title, path):
    panel.macro(f'selectImage("{title}");')
    panel("click", "Create result")
    panel("rest")
    name = title.replace(".tif", "-labels")
    panel("unrecorded", f'selectImage("{name}"); saveAs("Tiff", "{path}"); close();')
    panel.macro(f'selectImage("{title}");')
    return tifffile.imread(path)


def _macros(panel):
    panel("click", "Copy as macro")
    return panel("copied"), panel("recorded")
