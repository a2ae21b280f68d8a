"""A request: what a command is asked to do, in plain data; whoever knows Java fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdseg.commands.table import Command
from tdseg.errors import TdsegError
from tdseg.options.declare import Options, keys_of
from tdseg.options.settings import Settings
from tdseg.runtime.files import exists, is_folder, user_path

if TYPE_CHECKING:
    from tdseg.images.image import Image
    from tdseg.runtime.progress import Progress
    from tdseg.workflow.session import Session

RoiBytes = bytes
"""A ROI in ImageJ's own encoding, as ``ij.io.RoiEncoder`` writes it."""


@dataclass(frozen=True)
class HostImage:
    """An image that is open where the command came from.

    Attributes
    ----------
    title
        As in its window.
    identity
        The host's own number of the image: titles may come twice.
    shape
        (T, Z, C, Y, X); C is 1 for a 24-bit colour image.
    plane
        Number of the plane that is shown, ``t * Z + z``.
    read
        Reads pixels and metadata; large images plane by plane, when asked for.
    rois
        Its ROIs by source ("overlay", "manager" or "selection"), each in ImageJ's encoding, of
        kinds that `tdseg.labels` can draw.
    made_from
        For a result of tdseg: identity of the image that it was made from, or "".
    """

    title: str
    identity: str
    shape: tuple[int, int, int, int, int]
    plane: int
    read: Callable[[], Image]
    rois: Callable[[str], Sequence[RoiBytes]]
    made_from: str = ""

    @property
    def stem(self) -> str:
        """The title without a file's ending: ``cells.tif`` gives ``cells``, ``0.5um`` stays.

        An image without a title, as those made of NumPy arrays are, is called ``image``.
        """
        stem, dot, ending = self.title.rpartition(".")
        known = dot and stem and ending.lower() in IMAGE_ENDINGS
        return (stem if known else self.title).strip() or "image"


IMAGE_ENDINGS = frozenset(
    "tif tiff png jpg jpeg gif bmp dcm avi fits zip pgm czi lif nd2 lsm oib oif stk zvi vsi svs "
    "ims mrc dm3 dm4 ser raw zarr".split()
)


@dataclass
class Host:
    """What the process that shows images tells of itself.

    Attributes
    ----------
    open_images
        All open images, those of batch mode too.
    open_file
        Opens an image file as the host does, without showing it.
    group_names
        The names that ROI groups have there.
    has_manager
        Whether there can be a ROI Manager: not without a display.
    versions
        Of Java, ImageJ and the plugin, by what they are versions of.
    """

    open_images: Callable[[], Sequence[HostImage]] = tuple
    open_file: Callable[[Path], HostImage | None] = lambda path: None
    group_names: Callable[[], Mapping[int, str]] = dict
    has_manager: bool = True
    versions: Callable[[], Mapping[str, str]] = dict


@dataclass
class Request:
    """One call of a command.

    Attributes
    ----------
    command
        Which.
    given
        The keys that were given, parsed and checked.
    session
        What the serving process remembers.
    progress
        Hears how far the work is; may cancel.
    active
        The active image, or None.
    host
        Who asks.
    """

    command: Command
    given: Mapping[str, Any]
    session: Session
    progress: Progress
    active: HostImage | None = None
    host: Host = field(default_factory=Host)

    @property
    def options(self) -> Any:
        """The values of the command's own keys: an instance of ``command.options``."""
        own = {key.name for key in keys_of(self.command.options)}
        return self.command.options.from_mapping(
            {name: value for name, value in self.given.items() if name in own}
        )

    @property
    def overrides(self) -> dict[str, Any]:
        """The given keys of the groups that the command takes besides its own."""
        names = {key.name for group in self.command.overrides for key in keys_of(group)}
        return {name: value for name, value in self.given.items() if name in names}

    def settings(self) -> Settings:
        """Return the given settings, and the command's defaults for the rest."""
        options: Options = self.options
        return Settings.of(options)

    def on(self, image: HostImage) -> Request:
        """Return the same request with another image as the active one."""
        return replace(self, active=image)

    @property
    def image(self) -> HostImage:
        """The active image of a command that needs one."""
        if self.active is None:
            raise TdsegError(f"{self.command.name} works on the active image; open an image first.")
        return self.active

    def required(self, name: str) -> Any:
        """Return the value of a key that the command cannot do without."""
        value = self.given.get(name, self.command.default(name))
        if value is None:
            key = self.command.key(name)
            raise TdsegError(f"{self.command.name} needs the key '{name}'; {key.valid()}.")
        return value

    def path(self, name: str = "path", suffix: str = "") -> Path:
        """Return a required path; `suffix` is appended where there is no extension."""
        path = user_path(self.required(name))
        if path.suffix or is_folder(path):
            return path
        return path.with_name(path.name + suffix)

    def existing_path(self, suffix: str, name: str = "path") -> Path:
        """Return a required path to read: as it is, or with the extension that saving appends."""
        path = self.path(name)
        return path if exists(path) else self.path(name, suffix)

    def resolved(self, settings: Settings | None = None, **changes: Any) -> dict[str, Any]:
        """Return the values to record: every key, with what ``auto`` became."""
        ran = settings.to_dict() if settings is not None else {}
        values: dict[str, Any] = {}
        for key in self.command.keys:
            value = ran.get(key.name, self.given.get(key.name, key.default))
            value = changes.get(key.name, value)
            # What is still "auto" has no bearing on pixels: a limit, or a stride of a network
            # whose strides are fixed.
            if value is None or value in ("", "auto"):
                continue
            values[key.name] = value
        return values
