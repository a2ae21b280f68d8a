"""The version, in one place: the build, `tdseg.__version__` and ``tdseg --version`` read it."""

__version__ = "0.1.0"
