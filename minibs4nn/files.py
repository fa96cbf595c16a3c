"""Writing files so that nothing is ever lost.

A file is first written beside its place, under a temporary name, forced to the disk, and only then
given its name. Whoever pulls the plug finds the old file or the new one, never half of one.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["atomic_write"]


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` only when the block ends without an error.

    Parameters
    ----------
    path : str or path-like
        Where the file shall stand. Its folder must exist.

    Yields
    ------
    binary file object
        What is written to it becomes the file.

    Raises
    ------
    OSError
        If the folder does not exist, cannot be written, or the disk is full. ``path`` is then as
        it was before.

    Examples
    --------
    >>> folder = tempfile.mkdtemp()
    >>> with atomic_write(os.path.join(folder, "note.txt")) as file:
    ...     _ = file.write(b"kept whole")
    >>> os.listdir(folder)
    ['note.txt']
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _usual_mode(target))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)


def _usual_mode(target: Path) -> int:
    """Mode of the file that is replaced, or what a new file would get (mkstemp gives 0600)."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, on systems where a folder can be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
