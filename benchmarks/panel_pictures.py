"""Make the pictures of the quick start anew: the panel in a real window, by mouse and keys.

    python benchmarks/panel_pictures.py docs/pictures [--scale 2]

Ten pictures (``start-01.png`` ...) and a moving one (``live.gif``) of a mosaic of brick, grass and
gravel; what they show is said in ``docs/quick-start.md``. Needs Maven, Xvfb and Pillow.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from panel import program, run, screen
from tdseg.samples.mosaic import texture_mosaic

WIDTH = 620
COLOURS = 128
SECONDS = 0.4


def in_few_colours(picture: Image.Image, count: int) -> Image.Image:
    """Return a picture of greys, one half, and of the colours that cover the rest best."""
    half = count // 2
    greys = [v for k in range(half) for v in 3 * [round(255 * k / (half - 1))]]
    rest = picture.quantize(half, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([*greys, *(rest.getpalette() or [])[: 3 * half]])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def small(file: Path, target: Path) -> None:
    """Write a picture in few colours: a screen has no more."""
    in_few_colours(Image.open(file).convert("RGB"), 256).save(target, optimize=True)


def film(files: list[Path], target: Path) -> None:
    """Write frames that differ as a GIF, smaller than they are."""
    frames: list[Image.Image] = []
    lengths: list[float] = []
    last = None
    for file in files:
        frame = Image.open(file).convert("RGB")
        frame = frame.resize((WIDTH, frame.height * WIDTH // frame.width), Image.Resampling.LANCZOS)
        pixels = np.asarray(frame, np.int16)
        if last is not None and np.abs(pixels - last).max() < 24:
            lengths[-1] = min(lengths[-1] + SECONDS, 1.6)
            continue
        last = pixels
        frames.append(in_few_colours(frame, COLOURS))
        lengths.append(SECONDS)
    lengths[-1] = 2.5
    frames[0].save(
        target,
        save_all=True,
        append_images=frames[1:],
        duration=[round(1000 * seconds) for seconds in lengths],
        loop=0,
        optimize=True,
    )


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=int, default=1, help="of the screen: 2 for a fine one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = folder / "mosaic.tif"
        tifffile.imwrite(image, texture_mosaic(384).image, imagej=True)
        java = program(folder, "PanelPictures", f"-Dsun.java2d.uiScale={options.scale}")
        size = f"{1010 * options.scale}x{720 * options.scale}x24"
        with screen(size) as display:
            run([*java, str(image), name], display)
        options.folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("start-*.png")):
            small(file, options.folder / file.name)
        frames = sorted(folder.glob("film-*.png"))
        if frames:
            film(frames, options.folder / "live.gif")
        for file in folder.glob("waited.png"):
            small(file, options.folder / file.name)
    subprocess.run(["ls", "-l", str(options.folder)], check=True)


if __name__ == "__main__":
    main()
