"""Reading a learned upsampler's tensors from a file, under the names of its authors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tdseg.backbones.base import WeightsInfo
from tdseg.backbones.checkpoints import read_tensors
from tdseg.backbones.hashing import tensors_sha256
from tdseg.errors import TdsegError

KEY = "upsampler_weights"


@dataclass(frozen=True)
class NamedTensors:
    """The tensors of a file that belong to an upsampler.

    Attributes
    ----------
    file
        Name of the file.
    what
        The upsampler, for messages.
    tensors
        By the authors' names.
    """

    file: str
    what: str
    tensors: Mapping[str, torch.Tensor]

    def first_axis(self, name: str, multiple: int) -> int:
        """Return the length of a tensor's first axis, which must be a multiple of a number.

        Raises
        ------
        TdsegError
            If it is not.
        """
        tensor = self.tensors[name]
        length = len(tensor) if tensor.ndim else 0
        if length == 0 or length % multiple:
            raise self._error(f"{name} has {length} rows, which is no multiple of {multiple}")
        return length

    def checked(
        self, shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[dict[str, torch.Tensor], WeightsInfo]:
        """Return the tensors of these shapes, float32 on the CPU, and file and hash.

        Raises
        ------
        TdsegError
            If one is missing or of another shape.
        """
        for key, shape in shapes.items():
            found = tuple(self.tensors[key].shape) if key in self.tensors else None
            if found != shape:
                state = "is missing" if found is None else f"is {found} instead of {shape}"
                raise self._error(f"{key} {state}")
        used = {key: self.tensors[key] for key in shapes}
        info = WeightsInfo(self.file, tensors_sha256(used), "unknown", self.file)
        return {k: v.detach().to("cpu", torch.float32) for k, v in used.items()}, info

    def _error(self, problem: str) -> TdsegError:
        return TdsegError(
            f"{self.file} is no {self.what} upsampler: {problem}; give a checkpoint of {self.what} "
            f"with {KEY}=[path]."
        )


def read_named(file: str | Path, name: str, what: str, anchor: str) -> NamedTensors:
    """Read the tensors that stand below the prefix of `anchor`; no code in the file is run.

    Parameters
    ----------
    file
        See `tdseg.backbones.checkpoints.read_tensors`.
    name, what
        The value of ``upsampling=``, and the upsampler's name.
    anchor
        A tensor that the upsampler has.

    Returns
    -------
    NamedTensors
        All below the prefix, not checked yet.

    Raises
    ------
    TdsegError
        If no file is named, or it is missing, damaged or holds something else.
    """
    remedy = f"give a checkpoint of {what} with {KEY}=[path]"
    if not str(file):
        raise TdsegError(f"upsampling={name} needs learned weights; {remedy}.")
    every = read_tensors(file, KEY)
    title = Path(file).name
    found = next((key for key in every if key == anchor or key.endswith("." + anchor)), None)
    if found is None:
        raise TdsegError(f"{title} has no '{anchor}', so it is no {what} upsampler; {remedy}.")
    prefix = found.removesuffix(anchor)
    own = {k.removeprefix(prefix): v for k, v in every.items() if k.startswith(prefix)}
    return NamedTensors(title, what, own)
