"""The files of a release, built twice in two places, compared, with their checksums.

``make release`` runs it: wheel, source archive, the plugin's jar, and an archive of jars as an
update site of Fiji wants them go to ``dist/``, with ``SHA256SUMS``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tdseg._version import __version__
from tdseg.fiji_install.building import NAME, write_zip

ROOT = Path(__file__).resolve().parents[1]
JARS = Path("python", "tdseg", "fiji_plugin")


def copied(place: Path) -> Path:
    """Copy what git knows, as it is now, to an empty folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return place


def built(source: Path, out: Path) -> Path:
    """Build everything from a copy of the sources."""
    environment = {**os.environ, "PYTHONPATH": str(source / "python")}
    bundle = [sys.executable, "fiji-plugin/bundle.py", str(JARS)]
    subprocess.run(bundle, cwd=source, env=environment, check=True)
    archives = [sys.executable, "-m", "build", "--sdist", "--wheel", "--outdir", str(out)]
    subprocess.run(archives, cwd=source, check=True, stdout=subprocess.DEVNULL)
    members = {}
    for jar in sorted((source / JARS).glob("*.jar")):
        ours = jar.name.startswith(NAME)
        members[("plugins/" if ours else "jars/") + jar.name] = jar.read_bytes()
        if ours:
            shutil.copyfile(jar, out / jar.name)
    members["licenses/tdseg.txt"] = (source / "LICENSE").read_bytes()
    for text in sorted((source / "licenses").glob("*.txt")):
        members[f"licenses/{text.name}"] = text.read_bytes()
    write_zip(out / f"{NAME}-{__version__}-update-site.zip", members)
    return out


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def main() -> None:
    """Build twice; fail where the two differ."""
    with tempfile.TemporaryDirectory(prefix="tdseg release ") as name:
        places = [copied(Path(name, number)) for number in ("one", "another")]
        first, second = (built(place, Path(f"{place} out")) for place in places)
        sums = checksums(first)
        other = checksums(second)
        differing = [name for name in sums if sums[name] != other.get(name)]
        if differing or set(sums) != set(other):
            sys.exit(f"Built twice, these differ: {', '.join(differing) or 'the lists of files'}.")
        dist = ROOT / "dist"
        shutil.rmtree(dist, ignore_errors=True)
        shutil.copytree(first, dist)
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    (dist / "SHA256SUMS").write_text(lines, encoding="utf-8")
    print(f"Built twice in two places, the same byte by byte; in {dist}:\n{lines}", end="")


if __name__ == "__main__":
    main()
