"""ImagePlus to Image and back: the same pixels, calibration, labels and look."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from tdseg.errors import TdsegError
from tdseg.imagej.host import host_image
from tdseg.imagej.images import from_imageplus, to_imageplus
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.images.image import Calibration, Image

pytestmark = pytest.mark.usefixtures("ij")

UNITS = (
    "run('Properties...', 'unit=um pixel_width=0.5 pixel_height=0.25 voxel_depth=2 origin=3,4,5');"
    "Stack.setYUnit('mm'); Stack.setZUnit('nm'); Stack.setTUnit('min'); "
    "Stack.setFrameInterval(1.5);"
)

# macro, shape (T, Z, C, Y, X), type, colours
KINDS = {
    "8-bit": ("newImage('a', '8-bit ramp', 30, 20, 1);", (1, 1, 1, 20, 30), np.uint8, False),
    "8-bit LUT": (
        "newImage('a', '8-bit ramp', 30, 20, 1); run('Fire'); setMinAndMax(10, 99);",
        (1, 1, 1, 20, 30),
        np.uint8,
        False,
    ),
    "inverted": (
        "newImage('a', '8-bit ramp', 30, 20, 1); run('Invert LUT');",
        (1, 1, 1, 20, 30),
        np.uint8,
        False,
    ),
    "16-bit stack": (
        "newImage('a', '16-bit ramp', 30, 20, 5);"
        + UNITS
        + "for (i = 1; i <= 4; i++) { setSlice(i); setMetadata('Label', 's' + i); }"
        "setMetadata('Info', 'one\\ntwo');",
        (1, 5, 1, 20, 30),
        np.uint16,
        False,
    ),
    "32-bit time": (
        "newImage('a', '32-bit grayscale-mode label', 30, 20, 1, 1, 4); setMinAndMax(-1, 7);",
        (4, 1, 1, 20, 30),
        np.float32,
        False,
    ),
    "composite": (
        "newImage('a', '32-bit composite-mode label', 30, 20, 3, 4, 5);" + UNITS,
        (5, 4, 3, 20, 30),
        np.float32,
        False,
    ),
    "colour mode": (
        "newImage('a', '8-bit color-mode label', 30, 20, 3, 1, 2); run('Red'); setMinAndMax(3, 9);",
        (2, 1, 3, 20, 30),
        np.uint8,
        False,
    ),
    "grey mode": (
        "newImage('a', '16-bit noise', 30, 20, 6); run('Stack to Hyperstack...', "
        "'order=xyczt(default) channels=3 slices=2 frames=1 display=Grayscale');",
        (1, 2, 3, 20, 30),
        np.uint16,
        False,
    ),
    "RGB": ("newImage('a', 'RGB noise', 30, 20, 1);", (1, 1, 3, 20, 30), np.uint8, True),
    "RGB stack": ("newImage('a', 'RGB noise', 30, 20, 4);", (1, 4, 3, 20, 30), np.uint8, True),
    "8-bit colour": (
        "newImage('a', 'RGB black', 30, 20, 1); setColor('red'); fillRect(2, 3, 5, 6);"
        "setColor('#12ab99'); fillRect(9, 3, 5, 6); run('8-bit Color', 'number=256');",
        (1, 1, 1, 20, 30),
        np.uint8,
        True,
    ),
    "signed": (
        "newImage('a', '32-bit ramp', 30, 20, 1); run('Multiply...', 'value=200');"
        "run('Subtract...', 'value=100'); setMinAndMax(-32768, 32767); run('16-bit');"
        "run('Calibrate...', 'function=[Straight Line] unit=x text1=[0 65535] text2=[-5 5]');",
        (1, 1, 1, 20, 30),
        np.uint16,
        False,
    ),
}


def stack_pixels(imp) -> list[np.ndarray]:
    """Every plane as ImageJ holds it; the unused highest byte of RGB is left out."""
    stack = imp.getStack()
    planes = [to_numpy(stack.getPixels(i + 1)) for i in range(stack.getSize())]
    return [p & 0xFFFFFF if p.dtype == np.int32 else p for p in planes]


def assert_same_look(first, second) -> None:
    assert first.getTitle() == second.getTitle()
    assert list(first.getDimensions()) == list(second.getDimensions())
    assert first.getType() == second.getType()
    assert first.isComposite() == second.isComposite()
    assert first.getOpenAsHyperStack() == second.getOpenAsHyperStack()
    if first.isComposite():
        assert first.getCompositeMode() == second.getCompositeMode()
    for one, other in zip(first.getLuts(), second.getLuts(), strict=True):
        for name in ("getReds", "getGreens", "getBlues"):
            tables = []
            for lut in (one, other):
                table = to_java(np.zeros(256, np.uint8))
                getattr(lut, name)(table)
                tables.append(to_numpy(table))
            np.testing.assert_array_equal(*tables)
        if first.isComposite():
            assert (one.min, one.max) == (other.min, other.max)
    assert first.getDisplayRangeMin() == second.getDisplayRangeMin()
    assert first.getDisplayRangeMax() == second.getDisplayRangeMax()
    assert first.getProperty("Info") == second.getProperty("Info")
    for i in range(1, first.getStackSize() + 1):
        assert first.getStack().getShortSliceLabel(i) == second.getStack().getShortSliceLabel(i)
    assert str(first.getCalibration()) == str(second.getCalibration())
    for value in (0.0, 40000.0):
        assert first.getCalibration().getCValue(value) == second.getCalibration().getCValue(value)


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(made, kind):
    macro, shape, dtype, colour = KINDS[kind]
    imp = made(macro)
    image = from_imageplus(imp)
    assert image.shape == shape
    assert image.dtype == dtype
    assert image.is_colour == colour
    back = to_imageplus(image)
    for one, other in zip(stack_pixels(imp), stack_pixels(back), strict=True):
        np.testing.assert_array_equal(one, other)
    assert_same_look(imp, back)


@pytest.mark.parametrize("kind", ["composite", "RGB stack", "8-bit colour", "16-bit stack"])
def test_planes_are_where_imagej_has_them(made, kind):
    """Against the colours or values that ImageJ itself reports for a pixel."""
    imp = made(KINDS[kind][0])
    image = from_imageplus(imp)
    t_count, z_count, c_count = image.shape[:3]
    for t, z, c in np.ndindex(t_count, z_count, 1 if image.is_colour else c_count):
        imp.setPositionWithoutUpdate(c + 1, z + 1, t + 1)
        x, y = 7, 11
        plane = image.plane(t * z_count + z)
        reported = list(imp.getPixel(x, y))
        if image.rgb:
            assert plane[y, x].tolist() == reported[:3]
        elif image.palette is not None:
            colour = imp.getProcessor().getColorModel().getRGB(reported[0])
            assert plane[y, x].tolist() == [colour >> s & 255 for s in (16, 8, 0)]
        else:
            assert plane[y, x, c] == imp.getProcessor().getf(x, y)


def test_calibration_of_each_axis(made):
    calibration = from_imageplus(made(KINDS["composite"][0])).calibration
    assert calibration == Calibration(0.5, 0.25, 2.0, "µm", "mm", "nm", 1.5, "min", 3.0, 4.0, 5.0)


def test_virtual_stacks_are_read_when_asked_for(made, tmp_path):
    imp = made("newImage('a', '16-bit noise', 30, 20, 4);")
    expected = from_imageplus(imp).array
    path = tmp_path / "stack.tif"
    jc.IJ.saveAsTiff(imp, str(path))
    virtual = jc.IJ.openVirtual(str(path))
    assert virtual.getStack().isVirtual()
    image = from_imageplus(virtual)
    np.testing.assert_array_equal(image.source.read(0, 2, 0), expected[0, 2, 0])
    np.testing.assert_array_equal(image.array, expected)


def test_on_demand_and_copied_are_alike(made):
    for kind in ("composite", "RGB stack", "8-bit colour"):
        imp = made(KINDS[kind][0])
        lazy, copied = from_imageplus(imp, copy=False), from_imageplus(imp, copy=True)
        np.testing.assert_array_equal(lazy.array, copied.array)
        for one, other in zip(lazy.planes(), copied.planes(), strict=True):
            np.testing.assert_array_equal(one, other)


CHANGES = {
    "cropped": "makeRectangle(1, 1, 10, 5); run('Crop');",
    "scaled": "run('Size...', 'width=60');",
    "as long, of another shape": "run('Rotate 90 Degrees Right');",
    "other type": "run('32-bit');",
    "colours": "run('RGB Color');",
    "one slice fewer": "run('Delete Slice');",
    "frames, not slices": "run('Properties...', 'channels=1 slices=1 frames=3');",
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_image_that_became_another_one_while_it_is_read_is_refused(ij, made, change):
    imp = made("newImage('a', '16-bit ramp', 30, 20, 3);")
    image, read = from_imageplus(imp, copy=False), host_image(imp).read
    ij.run_macro(CHANGES[change])
    with pytest.raises(TdsegError, match=r"^Image 'a' was cropped, scaled, converted or given"):
        image.source.read(0, 2, 0)
    if "type" in change or "colours" in change:  # of the same shape: read as it is now
        assert read().dtype != image.dtype
    else:
        with pytest.raises(TdsegError, match=r"^Image 'a' was cropped"):
            read()


def test_an_image_that_was_closed_while_it_is_read_is_refused(made):
    imp = made("newImage('a', '16-bit ramp', 30, 20, 3);")
    image = from_imageplus(imp, copy=False)
    imp.flush()  # what the closing of a window does
    with pytest.raises(TdsegError, match=r"^Image 'a' was closed; open it again"):
        image.source.read(0, 2, 0)


def test_a_copy_does_not_follow_the_image(made):
    imp = made("newImage('a', '8-bit ramp', 30, 20, 1);")
    image = from_imageplus(imp)
    before = image.array.copy()
    imp.getProcessor().invert()
    np.testing.assert_array_equal(image.array, before)
    assert not np.array_equal(from_imageplus(imp).array, before)


@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (np.arange(12, dtype=np.uint8).reshape(3, 4), "YX"),
        (np.arange(24, dtype=np.uint16).reshape(2, 3, 4), "ZYX"),
        (np.arange(36, dtype=np.uint8).reshape(3, 4, 3), "YXC"),
        (np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4), "TCYX"),
        (np.arange(12, dtype=">u2").reshape(3, 4), "YX"),
        (np.arange(12, dtype=np.float64).reshape(3, 4).T, "YX"),
    ],
)
def test_arrays(array, axes):
    image = Image.from_array(array, axes, name="n")
    back = from_imageplus(to_imageplus(image))
    np.testing.assert_array_equal(back.array, image.array)
    assert back.rgb == image.rgb
    assert back.name == "n"
    assert to_imageplus(image, title="other").getTitle() == "other"


def test_extreme_values_survive():
    for values in ([0, 1, 127, 128, 255], [0, 32767, 32768, 65535]):
        dtype = np.uint8 if values[-1] == 255 else np.uint16
        array = np.array([values], dtype)
        np.testing.assert_array_equal(from_imageplus(to_imageplus(array)).array[0, 0, 0], array)
    array = np.array([[np.nan, np.inf, -np.inf, -0.0, 1e-40]], np.float32)
    np.testing.assert_array_equal(from_imageplus(to_imageplus(array)).array[0, 0, 0], array)


def test_several_channels_of_rgb_are_refused():
    stack = jc.ImageStack(4, 4)
    for _ in range(2):
        stack.addSlice("", jc.ColorProcessor(4, 4))
    imp = jc.ImagePlus("two", stack)
    imp.setDimensions(2, 1, 1)
    with pytest.raises(TdsegError, match="'two' has 2 channels of RGB"):
        from_imageplus(imp)


ROUND_TRIPS = """
import numpy as np, psutil, tdseg
tdseg.imagej.start(java_options=["-Xms384m", "-Xmx384m", "-XX:+AlwaysPreTouch"])
from tdseg.imagej.images import from_imageplus, to_imageplus

array = np.zeros((500, 500), np.float32)
for _ in range(20):
    from_imageplus(to_imageplus(array))
before = psutil.Process().memory_info().rss
for _ in range(500):
    from_imageplus(to_imageplus(array))
print("grown by", (psutil.Process().memory_info().rss - before) // 1_000_000, "MB")
"""


def test_round_trips_do_not_fill_memory():
    """500 images of 1 MB are 500 MB; neither Java nor Python may keep them.

    In a process of its own, whose Java heap of 384 MB is in memory from the start: Java would run
    out of it, and what the process grows by is kept outside it.
    """
    run = subprocess.run(
        [sys.executable, "-c", ROUND_TRIPS], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr[-2000:]
    grown = re.search(r"grown by (-?\d+) MB", run.stdout)
    assert grown is not None
    assert int(grown[1]) < 100
