"""Reports name no people and no places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tdseg.runtime.redaction import redacted

HOME = Path("/home/zoë")


def clean(text: str) -> str:
    return redacted(text, people=["zoë", "Müller", "lab-pc-7"], home=HOME)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/zoë/patients/Ann.tif", "~/....tif"),
        ("/data/my cells/Ann Other.tif", "/....tif"),
        ("could not read '/home/zoë/a b/c.tif'; copy it", "could not read '~/....tif'; copy it"),
        ("Image 'Ann Other.tif' has no label", "Image '....tif' has no label"),
        (r"C:\Users\Ann Other\cells.tif", "/....tif"),
        (r'at "\\server\share\Ann\x.czi", then', 'at "/....czi", then'),
        ("~/secret/x", "~/..."),
        ("zoë on lab-pc-7 said so", "USER on USER said so"),
        (
            '  File "/home/zoë/env/lib/site-packages/tdseg/workflow/train.py", line 3, in train',
            '  File ".../tdseg/workflow/train.py", line 3, in train',
        ),
        (
            '  File "/usr/lib/python3.11/json/decoder.py", line 1',
            '  File "/.../decoder.py", line 1',
        ),
        # What is no path stays.
        ("and/or 1/2, 5 px/um, x / y", "and/or 1/2, 5 px/um, x / y"),
        ("https://hub.example/weights/x", "https://hub.example/weights/x"),
        ("zoëlogy of sigma_max=4", "zoëlogy of sigma_max=4"),
    ],
)
def test_what_is_left_of_a_text(text, left):
    assert clean(text) == left


@given(
    folders=st.lists(st.from_regex(r"Q[a-z]{3,8}X", fullmatch=True), min_size=1, max_size=4),
    before=st.sampled_from(["", "no file ", "(", "path=[", "x: "]),
    quote=st.sampled_from(["", "'", '"']),
    separator=st.sampled_from(["/", "\\"]),
)
@example(folders=["QabcX"], before="", quote="", separator="/")
def test_no_folder_of_any_path_stays(folders, before, quote, separator):
    root = "C:\\" if separator == "\\" else "/"
    text = f"{before}{quote}{root}{separator.join(folders)}{separator}f.tif{quote} is bad"
    found = clean(text)
    assert not any(folder in found for folder in folders), found
    assert "is bad" in found or not (before or quote)


def test_names_that_are_words_stay():
    assert redacted("the root of root", people=["root"]) == "the root of root"
