"""After the first start nothing is asked of a network: processes that have none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

NOWHERE = "http://127.0.0.1:9"
PROXIES = {name: NOWHERE for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
MACRO = """
newImage("cells", "8-bit ramp", 32, 32, 1);
makeRectangle(1, 1, 5, 20); run("TDS Add Label...", "class=1");
makeRectangle(25, 5, 5, 20); run("TDS Add Label...", "class=2");
run("TDS Train...", "features=hybrid quality=fast classifier=logistic_regression held_out=false");
run("TDS Apply...", "output=labels");
print("found " + getPixel(2, 2) + "," + getPixel(28, 10));
"""
WORKER = """
import tdseg.worker
tdseg.worker.run(task, {"command": "TDS Status", "options": None, "active": None, "images": [],
                        "group_names": {}, "has_manager": False})
"""


@pytest.fixture(scope="module")
def offline():
    """A function that runs Python without a network, as far as this system allows."""
    apart = ["unshare", "-r", "-n"]
    possible = (
        shutil.which("unshare") and not subprocess.run([*apart, "true"], check=False).returncode
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= PROXIES | {name.lower(): NOWHERE for name in PROXIES}

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [*(apart if possible else []), sys.executable, *arguments]
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        return subprocess.Popen(command, env=environment, text=True, encoding="utf-8", **pipes)

    return start


def run(start, *arguments: str) -> tuple[int, str]:
    process = start(*arguments)
    told = "".join(process.communicate(timeout=300))
    return process.returncode, told


def test_there_is_no_network(offline):
    asked = "import urllib.request as u; u.urlopen('http://example.org', timeout=5)"
    assert run(offline, "-c", asked)[0] != 0


def test_imagej_and_the_offline_network(offline, tmp_path):
    macro = tmp_path / "offline.ijm"
    macro.write_text(MACRO, encoding="utf-8")
    status, told = run(offline, "-m", "tdseg", "run", str(macro))
    if "could not be downloaded" in told:  # the first start on this machine
        first = "import tdseg; tdseg.imagej.start(headless=True)"
        subprocess.run([sys.executable, "-c", first], check=True)
        status, told = run(offline, "-m", "tdseg", "run", str(macro))
    assert status == 0, told
    assert "found 1,2" in told


def test_the_worker_of_a_fiji(offline):
    task = {"task": "1", "requestType": "EXECUTE", "script": WORKER, "inputs": {}}
    worker = offline("-P", "-X", "utf8", "-m", "tdseg.worker")
    with worker:
        worker.stdin.write(json.dumps(task) + "\n")
        worker.stdin.flush()
        answers = map(json.loads, worker.stdout)
        end = next(a for a in answers if a["responseType"] in ("COMPLETION", "FAILURE"))
        worker.stdin.close()
    assert worker.returncode == 0
    values = {
        name: value for table in end["outputs"]["reply"]["tables"] for name, value in table["rows"]
    }
    assert values["backbone"] == "efficientnet_lite0"
    assert "are not on this machine" in values["backbone reason"]
