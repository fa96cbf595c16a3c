"""Files as a stranger could make them, and a judge who opens them with little memory and time."""

import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import minibs4nn as bs

MEMORY = 200_000_000  # bytes: more than any small file may cost
END = struct.Struct("<4s4H2LH")  # the end record of a zip: last, and without a comment
ENTRY = struct.Struct("<4s6H3L5H2L")  # an entry of its directory, before name, extra and comment

train, test = bs.datasets.bars(n=60, seed=0)
LAYERS = (64, 8, 16)


def trained(kind: str, epochs: int = 2) -> bs.S4NN | bs.BS4NN | bs.BNN:
    """Make a small network of each kind that has learned a little."""
    net: bs.S4NN | bs.BS4NN | bs.BNN
    if kind == "BNN":
        net = bs.BNN(LAYERS, seed=3)
    else:
        spiking = bs.S4NN if kind == "S4NN" else bs.BS4NN
        net = spiking(LAYERS, threshold=10.0, seed=3, t_max=64, backend="numpy")
    return net.fit(
        train.images, train.labels, epochs=epochs, validation=(test.images, test.labels),
        progress=False,
    )  # fmt: skip


def npy(array: npt.ArrayLike) -> bytes:
    """Write an array as :func:`numpy.save` does, pickle and all."""
    file = io.BytesIO()
    np.save(file, np.asanyarray(array), allow_pickle=True)
    return file.getvalue()


def raw_npy(header: str, content: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """Write a member in NumPy's format with whatever header."""
    text = header.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + content


def members_of(archive: bytes) -> dict[str, bytes]:
    """Take an archive apart: the bytes of each member under its name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def pack(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Put an archive together."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def header_of(archive: bytes) -> dict[str, Any]:
    """Read the JSON header of an archive."""
    text = np.load(io.BytesIO(members_of(archive)["header.npy"]))
    header: dict[str, Any] = json.loads(text.tobytes())
    return header


def with_header(archive: bytes, header: object) -> bytes:
    """Give an archive another header: bytes as they are, anything else as JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return with_members(archive, {"header": npy(np.frombuffer(text, np.uint8))})


def with_members(archive: bytes, members: Mapping[str, bytes | None]) -> bytes:
    """Replace or add members; None takes one away."""
    new = members_of(archive) | {f"{name}.npy": data for name, data in members.items()}
    return pack({name: data for name, data in new.items() if data is not None})


def with_entry(archive: bytes, position: int, **fields: int) -> bytes:
    """Change numbers in one entry of the directory of an archive."""
    names = (
        "signature", "made_by", "needed", "flags", "compression", "time", "date", "crc",
        "compressed", "size", "name", "extra", "comment", "disk", "internal", "external", "offset",
    )  # fmt: skip
    start = END.unpack_from(archive, len(archive) - END.size)[6]
    for _ in range(position):
        start += ENTRY.size + sum(ENTRY.unpack_from(archive, start)[10:13])
    values = dict(zip(names, ENTRY.unpack_from(archive, start), strict=True)) | fields
    changed = bytearray(archive)
    ENTRY.pack_into(changed, start, *values.values())
    return bytes(changed)


def with_end(archive: bytes, *, offset: int = 0, size: int = 0) -> bytes:
    """Add to where the directory begins, or to how long it is, as the end record says."""
    changed = bytearray(archive)
    values = list(END.unpack_from(archive, len(archive) - END.size))
    values[5] += size
    values[6] += offset
    END.pack_into(changed, len(archive) - END.size, *values)
    return bytes(changed)


class Verdict(NamedTuple):
    """What loading a file came to: the exception's name or 'loaded', its text, the peak memory."""

    outcome: str
    message: str
    peak: int


# Memory is measured where the allocator can be asked, and bounded where the system can bound it.
JUDGE = f"""
import json, os, resource, sys, tracemalloc, warnings
from pathlib import Path
import minibs4nn as bs

folder = Path(sys.argv[1])
bs.load(folder / "valid")  # whatever is imported late is imported now
warnings.simplefilter("error")
if os.path.exists("/proc/self/statm"):
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + {2 * MEMORY}
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sorted(folder.iterdir()):
    tracemalloc.start()
    outcome, message = "loaded", ""
    try:
        bs.load(path)
    except BaseException as error:
        outcome, message = type(error).__name__, str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(json.dumps([path.name, outcome, message, peak]), flush=True)
"""


def judge(files: Mapping[str, bytes], valid: bytes, folder: Path) -> dict[str, Verdict]:
    """Load each file in one process of its own; a file that kills it or hangs has no verdict."""
    for name, data in {**files, "valid": valid}.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, "-c", JUDGE, str(folder)]
    try:
        printed = subprocess.run(command, capture_output=True, timeout=120).stdout
    except subprocess.TimeoutExpired as hung:
        printed = hung.stdout or b""
    verdicts = [json.loads(line) for line in printed.splitlines()]
    return {name: Verdict(*verdict) for name, *verdict in verdicts}


def check_refused(verdicts: Mapping[str, Verdict], name: str, reason: str) -> None:
    """A file was refused, for this reason, in one line, at little cost."""
    assert name in verdicts, "loading it crashed or hung"
    outcome, message, peak = verdicts[name]
    assert outcome == "FileFormatError", f"{outcome}: {message}"
    assert message.startswith("load: '")
    assert reason in message
    assert len(message) < 800
    assert peak < MEMORY
