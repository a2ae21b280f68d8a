"""Trainable Deep Segmentation: pixel classification for Fiji with classical and deep features.

The names are imported on first use (PEP 562): ``import tdseg`` loads neither PyTorch nor
scikit-learn, numba or Java. What there is, and where it comes from, stands in ``__init__.pyi``.
"""

from tdseg._version import __version__ as __version__

_public = None


def _read_stub():
    """Return lazy_loader's ``__getattr__``, ``__dir__`` and ``__all__``.

    Not before a name is asked for: this takes longer than all else that ``import tdseg`` does.
    """
    global _public
    if _public is None:
        import lazy_loader

        _public = lazy_loader.attach_stub(__name__, __file__)
    return _public


def __getattr__(name):
    if name == "__all__":
        return _read_stub()[2]
    if name.startswith("__"):  # asked for by Python itself, and by inspecting tools
        raise AttributeError(f"module 'tdseg' has no attribute {name!r}")
    return _read_stub()[0](name)


def __dir__():
    return _read_stub()[1]()
