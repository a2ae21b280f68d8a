"""The command line: ``tdseg demo | run | fiji | install-fiji | info | train | ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tdseg import file_commands
from tdseg._version import __version__
from tdseg.commands.command_options import ExistingOption, TrainFilesOptions
from tdseg.commands.table import BY_NAME, Command
from tdseg.commands.terminal_words import sentence
from tdseg.errors import Cancelled, TdsegError
from tdseg.options.declare import Options, keys_of
from tdseg.options.groups import ApplyJobOptions
from tdseg.options.key import Key
from tdseg.runtime.files import check_source, user_path

EPILOG = (
    "Options have the names of the macro keys (see docs/commands.md), for example "
    "--features hybrid --classifier random_forest."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; errors are one sentence on standard error.

    Returns
    -------
    int
        0 if all went well, 1 after an error, 130 after Ctrl-C.
    """
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        # Before a command imports what it needs: a usage error is told at once.
        options.checked = _key_values(options) if hasattr(options, "keys") else ({}, None)
        return int(options.function(options))
    except KeyboardInterrupt:
        return _complain("Stopped.", 130)
    except Cancelled as error:
        return _complain(str(error), 130)
    except TdsegError as error:
        return _complain(sentence(error, getattr(options, "keys", ())), 1)


def _complain(message: str, status: int) -> int:
    print(f"tdseg: {message}", file=sys.stderr)
    return status


def build_parser(table: Mapping[str, Command] = BY_NAME) -> argparse.ArgumentParser:
    """Make the parser; keys of the macro commands become options of the same name."""
    parser = argparse.ArgumentParser(
        prog="tdseg", description="Trainable Deep Segmentation.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"tdseg {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = _command(commands, "demo", _demo, "run the main job on a bundled sample")
    demo.add_argument("--output-folder", type=Path, default=Path("demo-output"))
    _fiji_option(demo)

    samples = _command(
        commands, "samples", _samples, "write the images of a case study: cells, micrographs"
    )
    samples.add_argument("case", choices=("cells", "micrographs"), help="which case study")
    samples.add_argument("--output-folder", "--output_folder", type=Path, required=True)

    run = _command(commands, "run", _run, "run an ImageJ macro, with the TDS commands")
    run.add_argument("macro", type=Path, help="an .ijm file")
    run.add_argument("argument", nargs="?", default=None, help="what getArgument() returns")
    run.add_argument("--display", action="store_true", help="with windows")
    _fiji_option(run)

    fiji = _command(commands, "fiji", _fiji, "open Fiji or ImageJ with the TDS commands")
    fiji.add_argument("images", nargs="*", type=Path, help="images to open")
    _fiji_option(fiji)

    install = _command(commands, "install-fiji", _install, "put the plugin into a Fiji")
    install.add_argument("folder", type=Path, help="the folder of the Fiji, or of an ImageJ")
    install.add_argument("--uninstall", action="store_true", help="take it out again")

    info = _command(commands, "info", file_commands.info, "how a classifier or result was made")
    info.add_argument("files", nargs="+", type=Path, help=".tdseg files, results, RoiSets")

    status = _command(commands, "status", _status, "device, backbone, weights, versions")
    status.add_argument(
        "--report",
        action="store_true",
        help="all that a bug report needs; names no people and no places of yours",
    )
    _key_options(status, [k for k in table["TDS Train..."].keys if k.name in _STATUS_KEYS])

    train = _command(
        commands, "train", file_commands.train, "train on labelled images, save a classifier"
    )
    train.add_argument("images", nargs="+", type=Path, help="images, folders, or patterns with *")
    train.add_argument("--model", type=Path, required=True, help="the .tdseg file to write")
    train.add_argument(
        "--labels-path",
        "--labels_path",
        type=Path,
        nargs="+",
        default=[],
        help="one file per image, in order, for --labels file or image",
    )
    _key_options(train, table["TDS Train..."].keys, _TRAIN_OWN, TrainFilesOptions)
    _fiji_option(train)

    apply = _command(commands, "apply", file_commands.apply, "apply a classifier to files")
    apply.add_argument("model", type=Path, help="a .tdseg file")
    apply.add_argument("inputs", nargs="+", type=Path, help="images, folders, or patterns with *")
    apply.add_argument("--output-folder", "--output_folder", type=Path, required=True)
    _key_options(apply, table["TDS Apply to Folder..."].keys, _APPLY_OWN, ApplyJobOptions)
    _fiji_option(apply)

    report = _command(commands, "report", file_commands.report, "join the reports of a job's parts")
    report.add_argument("output_folder", type=Path, help="of `tdseg apply ... --part k/n`")

    segment = _command(
        commands, "segment", file_commands.segment, "segment images together, without labels"
    )
    segment.add_argument("inputs", nargs="+", type=Path, help="TIFF, PNG or JPEG files")
    segment.add_argument("--output-folder", "--output_folder", type=Path, required=True)
    segment.add_argument("--model", type=Path, help="save the clusters as a .tdseg file")
    keys = table["TDS Segment Without Labels..."].keys
    _key_options(segment, keys, _SEGMENT_OWN, ExistingOption)

    refine = _command(
        commands, "refine", file_commands.refine, "refine probabilities with a dense CRF"
    )
    refine.add_argument("probabilities", type=Path, help="a probability stack (TIFF)")
    refine.add_argument("image", type=Path, help="the image that was segmented")
    refine.add_argument("--output", type=Path, required=True, help="the TIFF to write")
    _key_options(refine, table["TDS Refine..."].keys, ("image", "output"), ExistingOption)
    return parser


_SEGMENT_OWN = ("slices", "objects", "adopt")
_STATUS_KEYS = ("backbone", "weights", "device", "precision")
_TRAIN_OWN = ("labels", "labels_path", "labels_image", "append", "images")
_APPLY_OWN = ("model", "input", "output_folder", *(key.name for key in keys_of(ApplyJobOptions)))


def _command(
    commands: Any, name: str, function: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EPILOG
    )
    parser.set_defaults(function=function)
    return parser


def _fiji_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fiji",
        default=None,
        help="a Fiji folder, endpoint or version; default: TDSEG_FIJI, else embedded ImageJ",
    )


def _key_options(
    parser: argparse.ArgumentParser,
    keys: Iterable[Key],
    leave_out: Iterable[str] = (),
    own: type[Options] | None = None,
) -> None:
    """Add keys as options: those of a macro command but for some, and the subcommand's own."""
    of_files = keys_of(own) if own is not None else ()
    keys = (*of_files, *(key for key in keys if key.name not in set(leave_out)))
    for key in keys:
        names = [f"--{key.name.replace('_', '-')}"]
        if "_" in key.name:
            names.append(f"--{key.name}")
        text = key.help.replace("%", "%%")
        if key.all_choices:
            text += f" ({', '.join(key.all_choices)})"
        parser.add_argument(
            *names,
            dest=f"key_{key.name}",
            default=None,
            nargs="?" if key.kind == "bool" else None,
            const="true" if key.kind == "bool" else None,
            metavar="VALUE",
            help=text,
        )
    parser.set_defaults(keys=keys, own=own or Options)


def _key_values(options: argparse.Namespace) -> tuple[dict[str, Any], Any]:
    """Return the keys of the macro command that were given, checked, and the subcommand's own."""
    values = {}
    for key in options.keys:
        text = getattr(options, f"key_{key.name}")
        if text is not None:
            values[key.name] = key.parse(text)
    own = {key.name: values.pop(key.name) for key in keys_of(options.own) if key.name in values}
    return values, options.own.from_mapping(own)


def _demo(options: argparse.Namespace) -> int:
    from tdseg.demo import run_demo

    return run_demo(options.output_folder, options.fiji)


def _samples(options: argparse.Namespace) -> int:
    from tdseg.demo import macro_folder
    from tdseg.samples.case_folders import CASES, write_case

    folder = user_path(options.output_folder)
    count = write_case(folder, CASES[options.case]())
    print(f"{count} images are in {folder}. The case study, in a Fiji or by 'tdseg run':")
    print(f"  {macro_folder() / f'case_{options.case}.ijm'}")
    return 0


def _run(options: argparse.Namespace) -> int:
    check_source(options.macro, "macro file")
    from tdseg import imagej

    with imagej.start(options.fiji, headless=not options.display) as ij:
        ij.run_macro_file(options.macro, options.argument)
    return 0


def _fiji(options: argparse.Namespace) -> int:
    from tdseg.imagej.desktop import run_desktop

    return run_desktop(options.fiji, options.images)


def _install(options: argparse.Namespace) -> int:
    from tdseg.fiji_install.artifacts import Jar
    from tdseg.fiji_install.building import libraries, plugin_jar
    from tdseg.fiji_install.folders import find_fiji
    from tdseg.fiji_install.installing import install, uninstall

    if options.uninstall:
        uninstall(options.folder)
        return 0

    def java() -> Path:
        from tdseg.imagej.jdk import find_java, use_java

        home = find_java()
        use_java(
            home
        )  # jgo, which fetches jars, would download a JDK of its own where none is named
        return home

    def fetched(names: Sequence[str]) -> list[Jar]:
        java()
        return libraries(names)

    find_fiji(options.folder)  # before anything is built
    install(options.folder, plugin_jar(java, print), fetched)
    return 0


def _status(options: argparse.Namespace) -> int:
    if options.report:
        from tdseg.imagej.jdk import java_here
        from tdseg.workflow.report import report_rows

        rows = report_rows(options.checked[0], host=java_here())
    else:
        from tdseg.workflow.status import status_rows

        rows = status_rows(options.checked[0])
    for name, value in rows:
        print(f"{name}: {value}")
    return 0
