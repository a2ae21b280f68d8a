"""Macros: values, printed lines, and every way in which they stop."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tdseg.errors import TdsegError


def run(ij, text, argument=None):
    lines: list[str] = []
    value = ij.run_macro(text, argument, on_print=lines.append)
    return value, lines


def test_value_argument_and_printed_lines(ij):
    value, lines = run(ij, "print('a'); print(1, 2); print('b\\nc'); return getArgument();", "é µ")
    assert value == "é µ"
    assert "\n".join(lines) == "a\n1 2\nb\nc"


def test_no_value_is_an_empty_string(ij):
    assert run(ij, "x = 1;") == ("", [])


def test_printing_goes_to_standard_output_by_default(ij, capsys):
    ij.run_macro("print('seen');")
    assert capsys.readouterr().out == "seen\n"


def test_lines_arrive_while_the_macro_runs(ij, tmp_path):
    if not ij.headless:
        pytest.skip("with windows, the lines come from the Log at the end")
    answer = tmp_path / "answer"
    lines: list[str] = []

    def reply(line):
        lines.append(line)
        answer.touch()

    ij.run_macro("print('hello'); print(File.exists(getArgument()));", str(answer), on_print=reply)
    assert lines == ["hello", "1"]


def test_images_live_until_the_next_macro(ij):
    run(ij, "run('Close All'); newImage('kept', '8-bit black', 9, 9, 1);")
    assert run(ij, "print(getTitle() + nImages);")[1] == ["kept1"]
    run(ij, "run('Close All');")


@pytest.mark.parametrize(
    ("macro", "message"),
    [
        ("x = 1;\nfoo(;", r"line 2: Undefined identifier\."),
        ("a = newArray(2);\n\nprint(a[3]);", r"line 3: Index \(3\) out of 0-1 range\."),
        ("run('Close All');\nrun('Invert');", r"line 2: There are no images open\."),
        ("run('No Such Command');", r'line 1: Unrecognized command: "No Such Command"\.'),
        ("open('/no/such/file.tif');", r"line 1: File not found: /no/such/file.tif\."),
        ("runMacro('/no/such.ijm');", r"line 1: Macro or script not found: /no/such.ijm\."),
        ("call('ij.IJ.nosuch');", r"line 1: Could not find the method"),
        ("eval('xx yy');", r"line 1: Undefined variable \(line 1 of a macro that it called\)\."),
        ("print('said');\nexit('the reason\\nin full');", r"^the reason in full\.$"),
    ],
)
def test_an_abort_is_one_sentence(ij, capfd, macro, message):
    lines: list[str] = []
    with pytest.raises(TdsegError, match=message):
        ij.run_macro(macro, on_print=lines.append)
    assert lines == (["said"] if "said" in macro else [])
    assert capfd.readouterr() == ("", "")


def test_what_needs_a_display_says_so(ij):
    if not ij.headless:
        pytest.skip("there is a display")
    with pytest.raises(TdsegError, match="line 1: this needs a display; start ImageJ"):
        ij.run_macro("roiManager('add');")


@pytest.mark.parametrize("end", ["exit;", "exit();", "return;", "return '';"])
def test_an_early_end_is_no_error(ij, end):
    assert run(ij, f"print('before'); {end} print('after');") == ("", ["before"])


def test_the_next_macro_runs_after_an_error(ij):
    with pytest.raises(TdsegError):
        run(ij, "run('No Such Command');")
    assert run(ij, "return 'fine';")[0] == "fine"


def test_the_current_image_of_the_caller_is_the_macros(ij, made):
    from tdseg.imagej.java import jc

    imp = jc.IJ.createImage("given", "8-bit black", 5, 5, 1)
    assert ij.run_macro("return getTitle();", image=imp) == "given"


def test_macro_files(ij, tmp_path):
    path = tmp_path / "größe.ijm"
    path.write_text("return 'µ' + getArgument();", encoding="utf-8")
    assert ij.run_macro_file(path, "m") == "µm"
    with pytest.raises(TdsegError, match=r"missing\.ijm cannot be read"):
        ij.run_macro_file(tmp_path / "missing.ijm")
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(TdsegError, match="not UTF-8"):
        ij.run_macro_file(path)


def test_macros_from_two_threads_take_turns(ij):
    lines: list[list[str]] = [[], []]

    def go(k):
        ij.run_macro(
            f"for (i = 0; i < 5; i++) {{ print({k}); wait(5); }}", on_print=lines[k].append
        )

    threads = [threading.Thread(target=go, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines == [["0"] * 5, ["1"] * 5]


CTRL_C = """
import _thread, threading
from tdseg.imagej.start import start
ij = start()
for delay in (0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.5):
    try:
        threading.Timer(delay, _thread.interrupt_main).start()
        ij.run_macro("while (true) wait(10);")
    except KeyboardInterrupt:
        print("interrupted")
print(ij.run_macro("return 'alive';"))
print([t.name for t in threading.enumerate() if t.name == "tdseg-macro"])
raise SystemExit(3)
"""


def test_ctrl_c_stops_the_macro_whenever_it_comes_and_leaves_java_alive(ij):
    """Also before the macro has begun, and while its thread starts."""
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == ["interrupted"] * 7 + ["alive", "[]"], done.stderr
    assert done.returncode == 3, done.stderr
