"""Subcommands that work on files: train, apply, segment, refine, info."""

from __future__ import annotations

import argparse
import glob
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tdseg.commands.request import Host
from tdseg.commands.terminal_words import with_options
from tdseg.errors import TdsegError
from tdseg.options.declare import keys_of
from tdseg.options.groups import UnlabelledOptions
from tdseg.options.key import Key
from tdseg.runtime.files import check_target, exists, user_path
from tdseg.runtime.progress import Progress, TerminalProgress, counted
from tdseg.runtime.telling import telling

_UNLABELLED = tuple(key.name for key in keys_of(UnlabelledOptions))


def train(options: argparse.Namespace) -> int:
    """Train on files and save the classifier."""
    from tdseg.batch.train_files import pixel_rows, train_from_files
    from tdseg.classifiers.model import classifier_path
    from tdseg.commands.folder import ROI_RULES, overlay_reader_of, reader_of

    values, own = options.checked
    target = classifier_path(options.model)
    if not check_target(target, own.existing):
        print(f"{target} exists; nothing was trained.")
        return 0
    names = dict(enumerate(_class_names(own.classes), start=1))
    rules = {name: values[name] for name in ROI_RULES if name in values}
    with _host(options, own.reader) as host, _progress(options) as progress:
        model, files = train_from_files(
            [user_path(given) for given in options.images],
            labels=own.labels,
            labels_paths=options.labels_path,
            pattern=own.pattern,
            filter=own.filter,
            recursive=own.recursive,
            classes=names,
            values=values,
            progress=progress,
            read=reader_of(own.reader, host),
            read_overlay=overlay_reader_of(own.reader, host, names, rules, progress.note),
        )
    path = model.save(target, existing=own.existing)
    for row in pixel_rows(files):
        pixels = [f"{count} {name}" for name, count in row.items() if name not in ("Image", "All")]
        print(f"{row['Image']}: {', '.join(pixels)}; {row['All']} labelled pixels in all")
    if model.report is not None:
        print(model.report.as_text())
    print(f"Saved {path}")
    return 0


def apply(options: argparse.Namespace) -> int:
    """Segment files, patterns and folders; 1 if one failed."""
    from tdseg.batch.apply_files import apply_to_files
    from tdseg.classifiers.model import load
    from tdseg.commands.folder import reader_of, summary

    values, own = options.checked
    model = load(options.model)
    slices = values.pop("slices", "all")
    settings = model.settings.with_(**values)
    with _host(options, own.reader) as host, _progress(options) as progress:
        outcomes = apply_to_files(
            model,
            [user_path(given) for given in options.inputs],
            user_path(options.output_folder),
            slices=slices,
            settings=settings,
            progress=progress,
            read=reader_of(own.reader, host),
            **own.to_dict(),
        )
    failed = 0
    for outcome in outcomes:
        if outcome.error:
            failed += 1
            print(f"tdseg: {with_options(outcome.error, options.keys)}", file=sys.stderr)
        elif not outcome.skipped:
            written = ", ".join(str(path) for path in outcome.written)
            print(f"{outcome.source} -> {written} ({outcome.seconds:.1f} s)")
    for sentence_ in summary(outcomes, options.output_folder, own.part):
        print(with_options(sentence_, options.keys))
    if failed:
        print(f"tdseg: {failed} of {len(outcomes)} files failed.", file=sys.stderr)
    return 1 if failed else 0


def report(options: argparse.Namespace) -> int:
    """Join the reports of a job's parts; 1 if one has not ended, or an image failed."""
    from tdseg.batch.parts import join_parts
    from tdseg.commands.folder import summary

    folder = user_path(options.output_folder)
    joined = join_parts(folder)
    for line in (joined.sentence(), *summary(joined.outcomes, folder)):
        print(line)
    whole = len(joined.ended) == joined.count
    return 0 if whole and not any(outcome.error for outcome in joined.outcomes) else 1


def segment(options: argparse.Namespace) -> int:
    """Segment images together, without labels."""
    from tdseg.batch.segment_files import segment_files
    from tdseg.classifiers.model import classifier_path
    from tdseg.options.settings import Settings

    values, files = options.checked
    own = {k: values.pop(k) for k in _UNLABELLED if k in values}
    target = classifier_path(options.model) if options.model is not None else None
    with _progress(options) as progress:
        written, _ = segment_files(
            _files(options.inputs),
            options.output_folder,
            Settings(**{"features": "deep", **values}),
            model_file=target,
            existing=files.existing,
            progress=progress,
            **own,
        )
    for path in written:
        print(path)
    if not written:
        print("All results exist; nothing was segmented.")
    return 0


def refine(options: argparse.Namespace) -> int:
    """Refine probabilities with a dense CRF."""
    from tdseg.batch.segment_files import refine_file
    from tdseg.options.settings import Settings

    values, own = options.checked
    settings = Settings(**values)
    with _progress(options) as progress:
        wrote = refine_file(
            options.probabilities,
            options.image,
            options.output,
            settings,
            existing=own.existing,
            progress=progress,
        )
    print(options.output if wrote else f"{options.output} exists; nothing was refined.")
    return 0


def info(options: argparse.Namespace) -> int:
    """Print how files were made; 1 if one does not say."""
    from tdseg.workflow.file_info import file_info

    failed = False
    for number, path in enumerate(_files(options.files)):
        try:
            rows = file_info(user_path(path), lambda text: print(text, file=sys.stderr))
        except TdsegError as error:
            failed = True
            print(f"tdseg: {error}", file=sys.stderr)
            continue
        print(*([""] if number else []), f"file: {path}", sep="\n")
        for name, value in rows:
            print(f"{name}: {value}")
    return 1 if failed else 0


@contextmanager
def _host(options: argparse.Namespace, reader: str) -> Iterator[Host]:
    """Start an ImageJ where it is to read the images."""
    if reader != "imagej":
        yield Host()
        return
    from tdseg import imagej

    with imagej.start(options.fiji, headless=True):
        from tdseg.imagej.host import fiji_host

        yield fiji_host()


def _files(paths: Iterable[Path]) -> list[Path]:
    """Expand ``*`` where the shell does not, as on Windows."""
    found: list[Path] = []
    for path in paths:
        if not any(letter in str(path) for letter in "*?[") or exists(path):
            found.append(path)
            continue
        matches = sorted(glob.glob(str(path)))
        if not matches:
            raise TdsegError(f"No file matches '{path}'; check the folder and the ending.")
        found += [Path(match) for match in matches]
    return found


def _class_names(text: str) -> list[str]:
    """Check and split ``--classes``, as TDS Set Classes does."""
    if not text:
        return []
    from tdseg.workflow.session import Session

    session = Session()
    session.set_classes(text.split(","))
    return list(session.classes.values())


class _Terminal(TerminalProgress):
    """Prints notes in the words of a subcommand."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__()
        self._keys = keys

    def note(self, message: str) -> None:
        """Print a line."""
        super().note(with_options(message, self._keys))


@contextmanager
def _progress(options: argparse.Namespace) -> Iterator[Progress]:
    terminal = _Terminal(options.keys)
    try:
        with counted(terminal) as progress, telling(progress.note):
            yield progress
    finally:
        terminal.close()
