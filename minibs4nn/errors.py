"""The errors of this library that have no exact counterpart among Python's own.

Every message says what was given, where, what is allowed, and what to do next.
"""

__all__ = ["BackendError", "DataError", "FileFormatError", "NotTrainedError"]


class DataError(OSError):
    """A data set could not be found, downloaded or verified."""


class FileFormatError(ValueError):
    """A file is truncated, hostile, of a later version, or not of this library."""


class NotTrainedError(RuntimeError, AttributeError):
    """The network has no weights yet.

    Also an AttributeError, so that ``hasattr(net, "weights_")`` is False before training.
    """


class BackendError(RuntimeError):
    """A backend was asked for that this machine cannot run."""
