"""One image segmented by blocks: each may run in any process, and once more does no harm."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.batch.block_state import BlockState, Facts
from tdseg.batch.existing import Decision
from tdseg.batch.inputs import is_zarr_name
from tdseg.batch.job_progress import time_left
from tdseg.batch.measures import class_pixels
from tdseg.batch.provenance import info_line
from tdseg.batch.targets import Planned
from tdseg.batch.whole_planes import block_edge, needs_whole_planes
from tdseg.images.image import Image
from tdseg.images.level_stores import FileBlocks, Layout, LevelStore, ZarrLevels, make_levels
from tdseg.images.ome_tiff_writing import ome_xml, write_tiled
from tdseg.images.planes import plane_grid, planes_of_slices
from tdseg.images.pyramid import halve_labels, halve_values
from tdseg.images.zarr_arrays import write_group
from tdseg.images.zarr_writing import axes_of, multiscale_attributes
from tdseg.labels.colours import glasbey
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.files import make_folder, put_folder, write_file
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.workflow.applier import Applier, Results
from tdseg.workflow.apply import apply

if TYPE_CHECKING:
    from tdseg.batch.one_file import JobSpec


@dataclass
class BlockJob:
    """The blocks of one image.

    A process that takes part makes one of these, calls `begin`, and `run` for blocks of `todo`;
    when none is left to do, one process calls `finish`.

    Attributes
    ----------
    spec
        Of the job.
    planned, decision
        The image, and which results are to be written.
    image
        As it was read; large ones read their pixels when these are asked for.
    source
        Facts of its file.
    progress
        Hears of networks that are loaded, and may cancel within a block.
    """

    spec: JobSpec
    planned: Planned
    decision: Decision
    image: Image
    source: Mapping[str, Any]
    progress: Progress = field(default_factory=Silent)
    _layouts: dict[str, Layout] = field(default_factory=dict)
    _stores: dict[str, LevelStore] = field(default_factory=dict)
    _held: tuple[int, FeatureMap, Facts] | None = None

    @cached_property
    def planes(self) -> tuple[list[int], tuple[int, int]]:
        """The plane numbers, and the frames and slices that they form."""
        return plane_grid(self.image, planes_of_slices(self.image, self.spec.slices))

    @cached_property
    def state(self) -> BlockState:
        """What is known on disk."""
        return BlockState(next(iter(self.planned.targets.values())))

    @cached_property
    def applier(self) -> Applier:
        """The classifier, made ready for this image."""
        return Applier(self.spec.model, self.image, self.spec.settings, None, self.progress)

    @property
    def kinds(self) -> list[str]:
        """What is kept of each block; labels always, since the report needs them."""
        return ["labels", *(kind for kind in self.planned.targets if kind != "labels")]

    @property
    def version(self) -> str:
        """Of the OME-Zarr that results are written as; "" for TIFF."""
        if not is_zarr_name(next(iter(self.planned.targets.values()))):
            return ""
        if self.spec.options.format == "auto":
            return str(self.image.metadata.get("ome_zarr", "0.5"))
        return "0.4" if self.spec.options.format == "zarr0.4" else "0.5"

    def begin(self) -> None:
        """Make room on disk, or go on where an earlier run stopped.

        Raises
        ------
        TdsegError
            If the image does not fit the classifier, its planes do not fit into memory where they
            must, or the folder cannot be written.
        """
        dtype = self.applier.values.dtype
        plan = {
            "recipe": self.spec.recipe.to_dict(),
            "source": {k: v for k, v in self.source.items() if k != "modified"},
            "kinds": self.kinds,
            "version": self.version,
            "planes": self.planes[0],
        }
        count = len(self.spec.model.class_values)
        edge = block_edge(self.image, self.kinds, count, self.applier.settings)
        make_folder(self.state.folder.parent)
        with self.state.locked():
            edge = self.state.begin(plan, edge)
            (frames, slices), (height, width) = self.planes[1], self.image.size
            for kind in self.kinds:
                channels = count if kind == "probabilities" else 1
                shape = (frames, slices, channels, height, width)
                layout = Layout(shape, dtype if kind == "labels" else np.dtype(np.float32), edge)
                self._layouts[kind] = layout
                self._stores[kind] = self._store(kind, layout)
            if self.todo():  # else a result may have its name already
                for store in self._stores.values():
                    store.make(0)

    def _store(self, kind: str, layout: Layout) -> LevelStore:
        folder = self.state.folder / kind
        if not self.version or kind not in self.planned.targets:
            return FileBlocks(folder, layout)
        return ZarrLevels(folder, layout, self._axes(layout), self.version)

    def _axes(self, layout: Layout) -> str:
        return axes_of(layout.shape, layout.shape[2] > 1)

    @property
    def layout(self) -> Layout:
        """How the labels are cut; `begin` comes first."""
        return self._layouts["labels"]

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self.layout.grid())

    def todo(self) -> list[int]:
        """Return the blocks that are not done, in an order that spares the network windows."""
        done = self.state.done(range(self.count))
        return [number for number in range(self.count) if number not in done]

    def run(self, number: int, progress: Progress | None = None) -> None:
        """Segment one block and write it; its marker comes last."""
        progress = progress or self.progress
        t, z, i, j = self.layout.grid()[number]
        index = self.planes[0][t * self.planes[1][1] + z]
        rows, cols = self.layout.area(0, i, j)
        size = (rows.stop - rows.start, cols.stop - cols.start)
        labels = np.zeros(size, self.applier.values.dtype)
        values: dict[str, np.ndarray] = {"labels": labels[None]}
        if "probabilities" in self.kinds:
            values["probabilities"] = np.zeros((len(self.applier.values), *size), np.float32)
        if "uncertainty" in self.kinds:
            values["uncertainty"] = np.zeros((1, *size), np.float32)
        if self.applier.settings.refine == "crf":
            self._refined(index, values, progress)
        else:
            doubt = values.get("uncertainty")
            out = Results(labels, values.get("probabilities"), None if doubt is None else doubt[0])
            prepared, facts = self._prepared(index, out.labels_only)
            known = len(facts)
            self.applier.classify(prepared, rows, cols, out, progress)
            if len(facts) != known:
                self.state.keep_facts(index, facts)
        for kind, store in self._stores.items():
            store.write(0, t, z, i, j, values[kind])
        pixels = class_pixels(values["labels"][None], self.applier.class_values)
        self.state.mark(number, {"pixels": pixels})

    def _refined(self, index: int, values: Mapping[str, np.ndarray], progress: Progress) -> None:
        """Fill in a whole plane with its refinement."""
        result = apply(
            self.spec.model,
            self.image,
            probabilities="probabilities" in values,
            uncertainty="uncertainty" in values,
            planes=[index],
            settings=self.spec.settings,
            progress=progress,
        )
        values["labels"][...] = result.labels[0]
        if result.probabilities is not None:
            values["probabilities"][...] = result.probabilities[0, 0]
        if result.uncertainty is not None:
            values["uncertainty"][...] = result.uncertainty[0]

    def _prepared(self, index: int, labels_only: bool) -> tuple[FeatureMap, Facts]:
        """Return the features of a plane; those of the last are kept."""
        if self._held is None or self._held[0] != index:
            self._held = None
            facts = self.state.facts(index)
            known = len(facts)
            plane = self.applier.plane(index, facts)
            if needs_whole_planes(self.applier.settings):
                plane = plane.in_memory()
            prepared = self.applier.prepare(plane, labels_only)
            if len(facts) != known:
                self.state.keep_facts(index, facts)
            self._held = index, prepared, facts
        return self._held[1:]

    def facts(self) -> dict[str, Any]:
        """Return what the report says of the result; all blocks are done."""
        known = self.state.done(range(self.count)).values()
        size, (frames, slices) = self.image.calibration, self.planes[1]
        return {
            "shape": [frames, slices, *(int(n) for n in self.image.size)],
            "pixel_area": size.pixel_area,
            "unit": size.unit or "pixel",
            "values": [int(value) for value in self.applier.class_values],
            "pixels": [int(n) for n in np.sum([one["pixels"] for one in known], axis=0)],
            "by_blocks": True,
        }

    def finish(self, facts: Mapping[str, Any], progress: Progress | None = None) -> list[Path]:
        """Make the smaller levels, and give the results their names.

        Parameters
        ----------
        facts
            From `facts`.
        progress
            May cancel; nothing is lost then.

        Returns
        -------
        list of Path
            What was written; not what another process finished before.
        """
        progress = progress or self.progress
        written: list[Path] = []
        with self.state.locked():
            if self.state.plan() is None:
                return written
            info = {**self.applier.info(), **info_line(self.spec.recipe, self.source, facts)}
            todo = list(self.decision.todo.items())
            for k, (kind, path) in enumerate(todo):
                part = Part(progress, k / len(todo), (k + 1) / len(todo))
                store = self._stores[kind]

                def check(part: Progress = part) -> None:
                    part.update(0.0, "writing")

                make_levels(store, halve_labels if kind == "labels" else halve_values, check)
                if self._complete(kind, path, store, info, check):
                    written.append(path)
            self.state.remove()
        self.state.remove_lock()
        return written

    def _complete(
        self, kind: str, path: Path, store: LevelStore, info: Mapping[str, str], check: Any
    ) -> bool:
        """Write one result, or give it its name."""
        layout, name = store.layout, path.name.removesuffix(".ome.zarr").removesuffix(".tif")
        model = self.spec.model
        channels = list(model.class_names) if kind == "probabilities" else [kind]
        if not isinstance(store, ZarrLevels):
            xml = ome_xml(
                name,
                layout.shape,
                layout.dtype,
                self.image.calibration,
                channels,
                dict(info),
            )
            colours = glasbey() if kind == "labels" else None
            return write_file(
                path,
                lambda part: write_tiled(part, store, xml, colours=colours, check=check),
                self.decision.mode,
            )
        names = dict(zip(self.applier.class_values, model.class_names, strict=True))
        attributes = multiscale_attributes(
            name,
            store.axes,
            layout,
            self.image.calibration,
            store.version,
            method="mode" if kind == "labels" else "mean",
            label_names=names if kind == "labels" else None,
            colours=None if kind == "uncertainty" else glasbey(),
            channels=channels,
            info=info,
        )
        write_group(store.folder, attributes, store.version)
        return put_folder(store.folder, path, self.decision.mode)


class Quiet:
    """Passes notes on, and asks whether to go on; how far the work is, somebody else tells."""

    def __init__(self, whole: Progress) -> None:
        self._whole, self._last = whole, (0.0, "")

    def update(self, fraction: float, message: str = "") -> None:
        """Ask whether to go on, with what was told last."""
        self._whole.update(*self._last)

    def tell(self, fraction: float, message: str) -> None:
        """Tell how far the work is."""
        self._last = fraction, message
        self._whole.update(fraction, message)

    def note(self, message: str) -> None:
        """Pass the line on."""
        self._whole.note(message)


def run_all(job: BlockJob, quiet: Quiet) -> None:
    """Do all blocks of a job that are not done, in this process; `quiet` is its progress."""
    todo = job.todo()
    if len(todo) < job.count:
        quiet.note(
            f"Image '{job.image.name}': {job.count - len(todo)} of {job.count} blocks are done "
            "from an earlier run."
        )
    began = time.monotonic()
    for k, number in enumerate(todo):
        done = job.count - len(todo) + k
        text = f"block {done + 1} of {job.count}"
        if k:
            seconds = (time.monotonic() - began) / k * (len(todo) - k)
            text += f", {time_left(seconds)}"
        quiet.tell(done / job.count, text)
        job.run(number, quiet)
