"""Trainable Deep Segmentation: pixel classification for Fiji with classical and deep features.

The names are imported on first use (PEP 562): ``import tdseg`` loads neither PyTorch nor
scikit-learn, numba or Java. What there is, and where it comes from, stands in ``__init__.pyi``.
"""

import lazy_loader

from tdseg._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
