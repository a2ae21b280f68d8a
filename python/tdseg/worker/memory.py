"""Give memory back that can be had again: networks, tokens, what the allocators hold."""

from __future__ import annotations

import ctypes
import gc
import sys

from tdseg.workflow.session import Session


def give_back(session: Session) -> None:
    """Let go of networks and tokens; classes, classifier and training images stay.

    Parameters
    ----------
    session
        Whose tokens.
    """
    session.cache.give_back()
    # What was never imported holds nothing.
    loading = sys.modules.get("tdseg.backbones.loading")
    if loading is not None:
        loading.forget_backbone()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        try:  # glibc keeps what was freed until it is asked
            ctypes.CDLL(None).malloc_trim(0)
        except (OSError, AttributeError):  # another C library
            return
