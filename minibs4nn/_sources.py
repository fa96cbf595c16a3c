"""Where the files of the data sets come from, and whether they are the right ones.

MNIST comes with the package. Fashion-MNIST is looked for on the computer first, then on the
network. A place that has nothing, or something else, is noted and the search goes on; a file is
taken only if its content has the right SHA-256.
"""

import hashlib
import io
import os
import sys
import textwrap
import warnings
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from minibs4nn._checks import AnyArray
from minibs4nn._idx import MAX_BYTES, decode, open_regular
from minibs4nn.errors import DataError, FileFormatError
from minibs4nn.files import atomic_write

__all__ = ["FILES", "bundled_mnist", "cache_folder", "find_fashion_mnist"]

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# SHA-256 of the uncompressed files, in the order above. Mirrors compress them anew, each in its
# own way; the content stays the same.
_HASHES = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
_DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_URLS = [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
]
_TIMEOUT = 30  # seconds without a byte before the next mirror is tried


def cache_folder() -> Path:
    """Return the folder that keeps downloads: minibs4nn in the user's cache of this system.

    It is in ``$XDG_CACHE_HOME`` where that is set, otherwise in ``~/.cache`` on Linux,
    ``~/Library/Caches`` on macOS; in ``%LOCALAPPDATA%`` on Windows. It need not exist.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> cache_folder().name
    'minibs4nn'
    """
    variable, default = {
        "win32": ("LOCALAPPDATA", "~/AppData/Local"),
        "darwin": ("XDG_CACHE_HOME", "~/Library/Caches"),
    }.get(sys.platform, ("XDG_CACHE_HOME", "~/.cache"))
    return Path(os.environ.get(variable) or default).expanduser() / "minibs4nn"


def bundled_mnist(name: str) -> AnyArray:
    """Load one of the four files of MNIST from the package."""
    path = resources.files("minibs4nn") / "data" / "mnist" / f"{name}.gz"
    try:
        return _verify(io.BytesIO(path.read_bytes()), "mnist", name)[1]
    except (OSError, FileFormatError) as error:
        raise DataError(
            f"mnist: {path}, which comes with minibs4nn, is unusable: {_reason(error)}; "
            "install minibs4nn again"
        ) from error


def find_fashion_mnist(name: str) -> AnyArray:
    """Load one of the four files of Fashion-MNIST from the first place that has it unharmed."""
    tried: list[str] = []
    complaints: list[str] = []
    for place in _places(name):
        try:
            with open_regular(place) if isinstance(place, Path) else _download(place) as file:
                content, array = _verify(file, "fashion-mnist", name)
        except (OSError, FileFormatError) as error:
            tried.append(f"{place}: {_reason(error)}")
            if isinstance(place, Path) and not isinstance(error, FileNotFoundError):
                complaints.append(f"passed over {tried[-1]}")
            continue
        if isinstance(place, str):
            try:
                _keep(content, name)
            except OSError as error:
                complaints.append(f"the download could not be kept: {error}")
        for complaint in complaints:
            # Level 4: this function, _train_and_test, fashion_mnist, and who called that.
            warnings.warn(f"fashion_mnist: {complaint}", stacklevel=4)
        return array
    raise DataError(_nowhere(name, tried))


def _places(name: str) -> Iterator[Path | str]:
    """Yield the paths and, after them, the addresses where a file of Fashion-MNIST may be."""
    folders = [cache_folder() / "fashion-mnist", _DEBIAN_FOLDER]
    if given := os.environ.get("MINIBS4NN_DATA"):
        # The subfolder first: the folder itself may hold MNIST, whose files have the same names.
        folders = [Path(given).expanduser() / "fashion-mnist", Path(given).expanduser(), *folders]
    for folder in folders:
        plain, packed = folder / name, folder / f"{name}.gz"
        yield from [path for path in (plain, packed) if os.path.exists(path)] or [packed]
    if not _offline():
        yield from (f"{url}{name}.gz" for url in _URLS)


def _offline() -> bool:
    return os.environ.get("MINIBS4NN_OFFLINE", "0") not in {"", "0"}


def _verify(file: io.BufferedIOBase, dataset: str, name: str) -> tuple[bytes, AnyArray]:
    """Decode a file of a data set; raise FileFormatError unless it is the very file."""
    content, array = decode(file, MAX_BYTES)
    expected = _HASHES[dataset][FILES.index(name)]
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        owners = [f" (a file of {owner})" for owner, hashes in _HASHES.items() if found in hashes]
        raise FileFormatError(f"its SHA-256 is {found}{''.join(owners)}, expected {expected}")
    return content, array


class _Received:
    """What a server sends, up to a limit: it decides what it sends, we decide what we take."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, piece: bytes) -> None:
        if len(self.content) + len(piece) > MAX_BYTES:
            raise OSError(f"sends more than {MAX_BYTES} bytes")
        self.content += piece

    def flush(self) -> None:
        """Do nothing; files have this method, and pooch calls it."""


def _download(url: str) -> io.BytesIO:
    """Fetch a file into memory; whatever goes wrong is an OSError that says so in one line."""
    received = _Received()
    try:
        import pooch
        from tqdm.auto import tqdm

        name = url.rpartition("/")[2]
        # pooch asks the bar for its truth value, which it has only with a total.
        with tqdm(desc=name, total=1, unit="B", unit_scale=True, leave=False) as progress:
            download = pooch.HTTPDownloader(
                progressbar=progress, chunk_size=2**16, timeout=_TIMEOUT
            )
            download(url, received, None)
    except ImportError as error:
        raise OSError(f"{error.name} is not installed") from error
    except OSError as error:
        # When requests gave up, the reason is in the exception inside its own.
        reason = getattr(next(iter(error.args), None), "reason", error)
        raise OSError(textwrap.shorten(str(reason), 200, placeholder=" ...")) from error
    return io.BytesIO(received.content)


def _keep(content: bytes, name: str) -> None:
    """Put a verified file, unpacked, into the cache."""
    folder = cache_folder() / "fashion-mnist"
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / name) as file:
        file.write(content)


def _reason(error: Exception) -> str:
    """Say in a few words what was wrong with a place."""
    if isinstance(error, FileNotFoundError):
        return "missing"
    return getattr(error, "strerror", None) or str(error)


def _nowhere(name: str, tried: list[str]) -> str:
    """Tell where a file was looked for and what was wrong there, and how to get it."""
    unset = [] if os.environ.get("MINIBS4NN_DATA") else ["MINIBS4NN_DATA: not set"]
    offline = ["the network: switched off by MINIBS4NN_OFFLINE"] if _offline() else []
    places = "\n".join(f"  - {place}" for place in [*unset, *tried, *offline])
    return (
        f"fashion_mnist: no good copy of {name} was found. Places tried:\n{places}\n"
        "Each of these helps:\n"
        "  1. on Debian or Ubuntu: sudo apt install dataset-fashion-mnist\n"
        f"  2. put {', '.join(FILES)}, each plain or as .gz, into a folder, "
        "and set MINIBS4NN_DATA to that folder\n"
        "  3. connect to the network, pip install pooch, unset MINIBS4NN_OFFLINE, and try again"
    )
