"""Classes of the panel: removed, merged, undone, of a loaded classifier, more than nine."""

from __future__ import annotations

from panel_user import QUICK, create_class, file_of, label, settings

TWO_IMAGES = """
newImage("one", "8-bit ramp", 80, 60, 1);
newImage("two", "8-bit ramp", 80, 60, 1); setLocation(200, 400);
"""


def test_classes_go_come_back_and_are_those_of_the_classifier(with_panel, tmp_path):
    panel = with_panel()
    panel.macro(TWO_IMAGES)
    panel("panel")
    for name in ("mud", "sand"):
        create_class(panel, name)
    assert "mud" in panel("rows")
    # Labels of classes 1, 2, 3 and 4 on two images.
    label(panel, "makeRectangle(60, 5, 8, 8)", 3)
    label(panel, "makeRectangle(70, 5, 8, 8)", 4)
    panel.macro('selectImage("one");')
    label(panel, "makeRectangle(2, 2, 8, 8)", 1)
    label(panel, "makeRectangle(2, 20, 8, 8)", 2)
    label(panel, "makeRectangle(40, 2, 8, 8)", 3)
    assert panel("labels") == "1=class 1-01 2=class 2-01 3=mud-01"

    # Class 2 goes, on both images; those after it move up.
    panel("click", "choose 2")
    panel("click", "Remove class")
    assert panel("rows") == "class 1|1 mud|1 sand|0"
    assert panel("labels") == "1=class 1-01 2=mud-01"
    assert panel.macro('selectImage("two"); return "";') == ""
    assert panel("labels") == "2=mud-01 3=sand-01"
    # One Undo, on either image, takes it back everywhere; Redo does it again.
    panel("click", "Undo")
    assert panel("rows") == "class 1|0 class 2|0 mud|1 sand|1"
    assert panel("labels") == "3=mud-01 4=sand-01"
    panel.macro('selectImage("one");')
    assert panel("labels") == "1=class 1-01 2=class 2-01 3=mud-01"
    panel("click", "Redo")
    assert panel("labels") == "1=class 1-01 2=mud-01"
    panel("click", "Undo")
    # Newer labels elsewhere are not taken back with it.
    panel("click", "choose 4")
    panel("click", "Merge class")
    panel("pick", "mud")
    panel("press", "OK")
    assert panel("rows") == "class 1|1 class 2|1 mud|1"
    panel.macro('selectImage("two");')
    assert panel("labels") == "3=mud-01 3=mud-02"
    label(panel, "makeRectangle(2, 2, 8, 8)", 1)
    panel.macro('selectImage("one");')
    panel("click", "Undo")
    assert panel("said").startswith("Image 'two' has labels that are newer than the merge of")
    assert panel("labels") == "1=class 1-01 2=class 2-01 3=mud-01"
    panel("picture", str(tmp_path / "classes.png"))

    # A classifier brings the names of its classes; a macro's names come too.
    settings(panel, *QUICK)
    panel("click", "Update once")
    panel("overlay")
    assert "00ff00" in panel("overlay")  # class 3, as ImageJ's groups
    # Other colours for colour-blind users: overlay, labels and results follow.
    panel("click", "Colours...")
    panel("menu", "apart")
    panel("rest")
    assert "ff99ff" in panel("overlay")
    panel("click", "Create result")
    panel("rest")
    colour = "getLut(r, g, b); close(); return toString(r[3]) + ' ' + g[3] + ' ' + b[3];"
    assert panel.macro(colour) == "255 153 255"
    stroke = "Overlay.activateSelection(2); return getInfo('selection.color');"
    assert panel.macro(stroke).lower().endswith("ff99ff")
    panel.macro('run("Select None");')
    panel("click", "Colours...")
    panel("menu", "usual")
    panel("rest")
    assert "00ff00" in panel("overlay")
    file_of(panel, "Save classifier", f"{tmp_path}/mud.tdseg")
    panel.macro('run("TDS Set Classes...", "classes=[a,b]");')
    panel("rest")
    assert panel("rows") == "a|1 b|1 class 3|1"  # a class for each label
    file_of(panel, "Load classifier", f"{tmp_path}/mud.tdseg")
    assert panel("rows") == "a|1 b|1 mud|1"  # the other two had no names of their own
    # Renamed after training: the classifier keeps its names until the next training.
    panel("click", "choose 3")
    panel("click", "Rename class")
    panel("type", "clay")
    panel("press", "OK")
    assert panel("said").startswith("The classifier keeps the names that it was trained with")

    # More classes than keys, and more than ImageJ has groups for.
    names = ",".join(f"c{k}" for k in range(1, 256))
    panel.macro(f'run("TDS Set Classes...", "classes=[{names}]");')
    panel("rest")
    panel("draw", "20,40 28,48")
    panel("key", "9")
    assert panel("is", "choose 9") == "true"
    panel("click", "add 255")
    assert panel("labels").endswith("255=c255-01")
    panel("click", "choose 255")
    panel("picture", str(tmp_path / "many.png"))
    create_class(panel, "one more")
    assert panel("said").startswith("There are 255 classes, which is the most")
