"""Addresses that README and pages name: ``python tests/pages/site_links.py`` asks each.

Not part of the tests, which need no network: ``make links`` runs it by hand. Its status is 1 if an
address does not answer.
"""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"https?://[^\s)>\]\"'`,;]+")
SECONDS = 20


def external(root: Path = ROOT) -> dict[str, list[str]]:
    """Return each address, and the files that name it."""
    files = [*root.glob("*.md"), *(root / "docs").glob("*.md"), root / "CITATION.cff"]
    found: dict[str, list[str]] = {}
    for file in sorted(files):
        for address in ADDRESS.findall(file.read_text(encoding="utf-8")):
            found.setdefault(address.rstrip(".:"), []).append(file.relative_to(root).as_posix())
    return found


def trouble(address: str) -> str:
    """Ask an address; return what is wrong with it, empty if it answers."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        # Publishers refuse programs; that says that the address is there.
        return "" if error.code in (403, 405, 429) else f"status {error.code}"
    except OSError as error:
        return str(error)


def main() -> int:
    failed = 0
    for address, pages in external().items():
        if ".example" in address:
            continue
        problem = trouble(address)
        print(f"{problem or 'answers'}: {address} ({', '.join(dict.fromkeys(pages))})", flush=True)
        failed += bool(problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
