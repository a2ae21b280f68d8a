"""The version, in one place: the build, `tdseg.__version__` and ``tdseg --version`` read it."""

__version__ = "1.0.0"
