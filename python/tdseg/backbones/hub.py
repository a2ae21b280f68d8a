"""Weights from Hugging Face's hub: in its cache, or downloaded; never without saying so."""

from __future__ import annotations

import threading
import time
import zipfile
from pathlib import Path

import huggingface_hub
import timm
import torch
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError

from tdseg.backbones.catalogue import OFFLINE, Entry
from tdseg.errors import TdsegError
from tdseg.runtime.files import is_file
from tdseg.runtime.progress import Progress

_CHECK_SECONDS = 4.0
_REMEMBER_SECONDS = 300.0
_checked: dict[str, tuple[float, str | None]] = {}


def hub_file(entry: Entry) -> tuple[str, str] | None:
    """Return repository and file name of an entry's weights on the hub, None without one."""
    config = timm.get_pretrained_cfg(entry.timm_name)
    if config is None or not config.hf_hub_id:
        return None
    repository = config.hf_hub_id
    if repository.endswith("/"):
        repository += entry.timm_name
        if config.tag and not entry.timm_name.endswith(f".{config.tag}"):
            repository += f".{config.tag}"
    return repository, config.hf_hub_filename or "model.safetensors"


def find_cached(entry: Entry) -> Path | None:
    """Return an entry's weights if they are on this machine.

    Looks into the hub's cache (``HF_HUB_CACHE``, ``HF_HOME``) for timm's and the authors'
    repositories, then into PyTorch's (``TORCH_HOME``) for the authors' file. A damaged file of the
    hub's counts as absent.
    """
    candidates = [(repository, "model.safetensors") for repository in entry.repositories]
    own = hub_file(entry)
    if own is not None:
        candidates.insert(0, own)
    for repository, file in candidates:
        found = huggingface_hub.try_to_load_from_cache(repository, file)
        if isinstance(found, str) and not _is_damaged(Path(found)):
            return Path(found)
    for file in entry.original_files:
        path = Path(torch.hub.get_dir()) / "checkpoints" / file
        if is_file(path):
            return path
    return None


def _find_damaged(entry: Entry) -> Path | None:
    """Return the hub's own file of an entry where it is in the cache but incomplete."""
    source = hub_file(entry)
    found = huggingface_hub.try_to_load_from_cache(*source) if source is not None else None
    return Path(found) if isinstance(found, str) and _is_damaged(Path(found)) else None


def _is_damaged(file: Path) -> bool:
    """Say whether a weights file is cut or foreign; reads its table of contents only."""
    try:
        if file.suffix != ".safetensors":
            return not zipfile.is_zipfile(file) and file.stat().st_size < 1 << 20
        from safetensors import safe_open

        with safe_open(file, framework="numpy"):
            return False
    except Exception:  # whatever is wrong with it, it cannot be used
        return True


def why_unreachable(entry: Entry) -> str | None:
    """Say why an entry's weights cannot be downloaded now; None when they can.

    Asks the hub for the file's description through huggingface_hub (so its offline mode, its
    endpoint and the proxies of the environment count) and waits at most four seconds. The answer
    is remembered for five minutes.
    """
    source = hub_file(entry)
    if source is None:
        return "timm names no download for them"
    if constants.HF_HUB_OFFLINE:
        return "downloads are switched off (HF_HUB_OFFLINE)"
    url = huggingface_hub.hf_hub_url(*source)
    known = _checked.get(url)
    if known is not None and time.monotonic() - known[0] < _REMEMBER_SECONDS:
        return known[1]
    outcome: list[str | None] = []

    def ask() -> None:
        try:
            huggingface_hub.get_hf_file_metadata(url, timeout=_CHECK_SECONDS)
            outcome.append(None)
        except Exception as error:  # whatever it is, the weights cannot be had
            outcome.append(_why(error, source[0]))

    thread = threading.Thread(target=ask, name="tdseg-hub", daemon=True)
    thread.start()
    thread.join(_CHECK_SECONDS)
    reason = outcome[0] if outcome else f"the hub did not answer in {_CHECK_SECONDS:.0f} s"
    _checked[url] = (time.monotonic(), reason)
    return reason


def fetch(entry: Entry, progress: Progress) -> Path:
    """Return an entry's weights, from a cache or downloaded into the hub's.

    Raises
    ------
    TdsegError
        If they are nowhere and cannot be downloaded.
    Cancelled
        If the user stopped; a partial download is continued the next time.
    """
    cached = find_cached(entry)
    if cached is not None:
        return cached
    damaged = _find_damaged(entry)
    reason = why_unreachable(entry)
    source = hub_file(entry)
    if reason is not None or source is None:
        raise TdsegError(_missing(entry, str(reason), damaged))
    if damaged is not None:
        progress.note(f"The weights file {damaged} is damaged; it is downloaded again.")
    message = f"Downloading the weights of {entry.name} ({source[0]})"
    progress.note(f"{message} to {constants.HF_HUB_CACHE}")
    outcome: list[Path | Exception] = []

    def download() -> None:
        try:
            outcome.append(
                Path(huggingface_hub.hf_hub_download(*source, force_download=damaged is not None))
            )
        except Exception as error:  # reported below, in the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=download, name="tdseg-download", daemon=True)
    thread.start()
    while thread.is_alive():
        progress.update(0.0, message)
        thread.join(0.3)
    if isinstance(outcome[0], Exception):
        failure = outcome[0]
        reason = _why(failure, source[0])
        # The hub described the file and did not give it: it is not asked again for a while.
        _checked[huggingface_hub.hf_hub_url(*source)] = (time.monotonic(), reason)
        raise TdsegError(_missing(entry, reason, damaged)) from failure
    return outcome[0]


def _why(error: Exception, repository: str) -> str:
    """Put into words why the hub gave nothing."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, GatedRepoError) or status in (401, 403):
        return (
            f"the hub gives them only to those who accepted their licence: do so on "
            f"{constants.ENDPOINT}/{repository}, then set HF_TOKEN to a token of your account"
        )
    detail = f", status {status}" if status else ""
    return f"the hub did not give them ({type(error).__name__}{detail})"


def _missing(entry: Entry, reason: str, damaged: Path | None = None) -> str:
    where = (
        f"are damaged ({damaged})"
        if damaged is not None
        else f"are not in {constants.HF_HUB_CACHE} (HF_HUB_CACHE)"
    )
    return (
        f"The weights of backbone {entry.name} {where} "
        f"and {reason}; give a file with weights=[path], or use backbone=offline ({OFFLINE})."
    )
