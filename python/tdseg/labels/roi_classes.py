"""Which class a ROI belongs to: by its group, name, colour or counter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.labels.roi_facts import NEVER_LABELS, RoiFacts

_MOST_SINGLE_NAMES = 10
"""So many names that each occur once may still be classes."""

_MOST_NUMBERED = 2
"""So many where each has a digit."""


def hex_values(colours: npt.NDArray[np.uint8]) -> dict[str, int]:
    """Return the label value of each colour ``#rrggbb`` of a table (256, 3); the first wins."""
    found: dict[str, int] = {}
    for value, (red, green, blue) in enumerate(colours.tolist()[1:], start=1):
        found.setdefault(f"#{red:02x}{green:02x}{blue:02x}", value)
    return found


def base_name(name: str) -> str:
    """Return a ROI's name without its number: ``nucleus-01`` gives ``nucleus``.

    ImageJ's default names are coordinates (``0012-0345``) and name nothing: they give "".
    """
    if re.fullmatch(r"\d+(-\d+)+", name):
        return ""
    return re.sub(r"-\d+$", "", name.strip())


def class_values(
    rois: Sequence[RoiFacts],
    class_from: str,
    class_names: Mapping[int, str],
    colours: Mapping[str, int],
) -> tuple[list[tuple[int, ...] | None], dict[int, str]]:
    """Return which class each ROI is of, and what the classes are called.

    Parameters
    ----------
    rois
        All ROIs, in drawing order.
    class_from
        ``group``, ``name``, ``color`` or ``counter``.
    class_names
        Known classes; names are matched with them, new ones get the next free values.
    colours
        Label value of each colour ``#rrggbb`` of a ROI group; other colours are new classes.

    Returns
    -------
    values : list of (tuple of int, or None)
        The label value of each ROI (of each point under ``counter``), None without one.
    names : dict
        Name of each label value that has one.

    Raises
    ------
    TdsegError
        If there are more than 65535 classes.
    """
    names = {k: v for k, v in class_names.items() if v}
    if class_from == "group":
        _name_groups(rois, names)
        return [(r.group,) if r.group > 0 else None for r in rois], names
    if class_from == "counter":
        return [
            tuple(c + 1 for c in r.counters) if r.kind == "points" and r.counters else None
            for r in rois
        ], names
    by_colour = class_from == "color"
    known = {name: value for value, name in names.items()}
    if by_colour:
        known |= colours
    keys = [r.colour if by_colour else _class_name(r.name, known) for r in rois]
    usable = [k for k, r in zip(keys, rois, strict=True) if k and r.kind not in NEVER_LABELS]
    used = set(names) | {known[key] for key in usable if key in known}
    free = (v for v in range(1, 65536) if v not in used)
    for key in sorted(set(usable) - set(known)):
        value = next(free, 0)
        if value == 0:
            raise TdsegError(
                f"The ROIs have more than 65535 different {'colours' if by_colour else 'names'}; "
                "use class_from=group."
            )
        names[value], known[key] = key, value
    found: list[tuple[int, ...] | None] = []
    for key, roi in zip(keys, rois, strict=True):
        # A text has a colour and often a name without being meant: only a class's name counts.
        mute = roi.kind in NEVER_LABELS and (by_colour or key not in class_names.values())
        found.append(None if not key or mute else (known[key],))
    return found, names


def doubt_about_names(
    values: Sequence[tuple[int, ...] | None],
    class_names: Mapping[int, str],
    names: Mapping[int, str],
) -> str:
    """Return a sentence where names seem to number ROIs, else "".

    They do where they have no letter, or are all different, and many or each with a digit, as
    Cellpose's are.

    Parameters
    ----------
    values, names
        What `class_values` returned.
    class_names
        The classes known before.
    """
    new = [found[0] for found in values if found and found[0] not in class_names]
    classes = sorted(set(new))
    numbers = [v for v in classes if not re.search(r"[^\W\d_]", names.get(v, ""))]
    single = len(new) == len(classes)
    numbered = all(re.search(r"\d", names.get(v, "")) for v in classes)
    unique = single and len(classes) > (_MOST_NUMBERED if numbered else _MOST_SINGLE_NAMES)
    if not unique and not numbers:
        return ""
    first = numbers[0] if numbers else classes[0]
    why = "different on every ROI" if unique else "numbers"
    return (
        f"class_from=name made {len(classes)} classes of {len(new)} ROIs, whose names are {why} "
        f"(first '{names.get(first, '')}'); if these names are no classes, use class_from=group, "
        "or rename the ROIs."
    )


def _class_name(name: str, known: Mapping[str, int]) -> str:
    return name if name in known else base_name(name)


def _name_groups(rois: Sequence[RoiFacts], names: dict[int, str]) -> None:
    """Name groups that have no name after their ROIs, where these agree."""
    found: dict[int, set[str]] = {}
    for roi in rois:
        if roi.group > 0 and roi.group not in names and roi.kind not in NEVER_LABELS:
            found.setdefault(roi.group, set()).add(base_name(roi.name))
    taken = set(names.values())
    for group, candidates in sorted(found.items()):
        name = candidates.pop() if len(candidates) == 1 else ""
        if name and name not in taken:
            names[group] = name
            taken.add(name)
