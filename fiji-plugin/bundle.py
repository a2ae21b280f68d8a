"""What a wheel carries of the plugin: its jar and that of Appose, in a folder."""

import shutil
import sys
import tempfile
from pathlib import Path

from tdseg.fiji_install.artifacts import APPOSE, fetch
from tdseg.fiji_install.building import build
from tdseg.imagej.jdk import find_java

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for old in folder.glob("*.jar"):
    old.unlink()
appose = next(jar.path for jar in fetch([APPOSE]) if jar.artifact == "appose")
with tempfile.TemporaryDirectory(prefix="tdseg-build-") as place:
    for jar in (build(Path(place), find_java, print), appose):
        print(shutil.copyfile(jar, folder / jar.name))
