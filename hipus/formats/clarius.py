"""Raw exports of Clarius probes: samples (`.raw`) with their header (`.yml`).

Decides how a `.raw` file is laid out (20-byte header; per frame a time stamp in ns and the
samples of all lines), what its `.yml` must say, and in which units. Deliberately converts no
lines into a picture on a pixel grid, and decompresses nothing (`.lzo` comes off outside).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hipus.files import atomic_path
from hipus.formats.clarius_header import Header, read_header, write_header
from hipus.formats.clarius_imu import ClariusImu, imu_gaps_s, read_imu, write_imu
from hipus.sweep import FrameStack, check_times

__all__ = ["ClariusImu", "ClariusRecording", "Header", "imu_gaps_s", "log_compress", "read_header"]
__all__ += ["read_imu", "read_raw", "write_header", "write_imu", "write_raw"]

_HEADER = struct.Struct("<5I")
_MAX_FRAME_BYTES = 1 << 28
#: Bytes of a sample -> what it is and how one is stored. I and Q are 16 bits each.
_SAMPLE_KINDS = {1: ("envelope", "u1", ()), 2: ("rf", "<i2", ()), 4: ("iq", "<i2", (2,))}
_NS = 1e-9


@dataclass(frozen=True)
class ClariusRecording:
    """One recording, its samples still on disk.

    Attributes
    ----------
    samples : FrameStack (N, lines, samples) or (N, lines, samples, 2)
        uint8 envelope, int16 radio frequency, or int16 I and Q; before scan conversion:
        axis 1 is lateral, axis 2 axial.
    time_s : numpy.ndarray (N,)
        On the probe's clock, the same as the IMU log's.
    header : Header
        What the `.yml` says, with units.
    kind : str
        "envelope", "rf" or "iq".
    frame_id : int
        First word of the `.raw`, kept for a faithful copy.
    """

    samples: FrameStack
    time_s: np.ndarray
    header: Header
    kind: str = "envelope"
    frame_id: int = field(default=1)

    def __post_init__(self) -> None:
        """Check the samples against their kind, the times and the header."""
        shape, times = tuple(self.samples.shape), check_times(self.time_s)
        kinds = {kind: (code, tail) for kind, code, tail in _SAMPLE_KINDS.values()}
        if self.kind not in kinds:
            raise ValueError(f"kind must be one of {sorted(kinds)}, got {self.kind!r}")
        code, tail = kinds[self.kind]
        expected = (len(times), self.header.lines, self.header.samples_per_line, *tail)
        if shape != expected or np.dtype(self.samples.dtype) != np.dtype(code):
            raise ValueError(
                f"samples must be {np.dtype(code)} {expected} for kind {self.kind!r}, "
                f"got {np.dtype(self.samples.dtype)} {shape}"
            )
        object.__setattr__(self, "time_s", times)

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.samples.shape[0])


def _frame_type(lines: int, samples: int, size: int) -> np.dtype:
    """Return the record of one frame: its time stamp and its samples."""
    _, code, tail = _SAMPLE_KINDS[size]
    return np.dtype([("time_ns", "<u8"), ("samples", code, (lines, samples, *tail))])


def read_raw(path: str | os.PathLike, header_path=None) -> ClariusRecording:
    """Read a recording; its samples stay on disk until they are sliced.

    Parameters
    ----------
    path : path-like
        `.raw` file, decompressed.
    header_path : path-like, optional
        Its `.yml`; left out: the file of the same name beside it.

    Returns
    -------
    ClariusRecording

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    ValueError
        If the file is compressed, truncated or longer than its header declares, the sample
        size is unknown, the `.yml` disagrees, or the times do not increase.
    """
    path = Path(path)
    if path.suffix == ".lzo":
        raise ValueError(f"{path.name} is compressed with LZO: decompress it first (`lzop -d`)")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such Clarius recording")
    frame_id, count, lines, samples, size = _read_sizes(path)
    header = read_header(header_path or path.with_suffix(".yml"))
    _check_against_header(path.name, header, (count, lines, samples, size))
    record = _frame_type(lines, samples, size)
    frames = np.memmap(path, record, mode="r", offset=_HEADER.size, shape=(count,))
    return ClariusRecording(
        samples=frames["samples"],
        time_s=check_times(frames["time_ns"] * _NS, f"{path.name}: frame times"),
        header=header,
        kind=_SAMPLE_KINDS[size][0],
        frame_id=frame_id,
    )


def _read_sizes(path: Path) -> tuple[int, int, int, int, int]:
    """Return id, frames, lines, samples and sample size, checked against the file's size."""
    found = path.stat().st_size
    with open(path, "rb") as stream:
        head = stream.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise ValueError(f"{path.name}: the header must be {_HEADER.size} bytes, got {len(head)}")
    frame_id, count, lines, samples, size = _HEADER.unpack(head)
    if not (count and lines and samples):
        raise ValueError(
            f"{path.name}: frames, lines and samples must be positive, "
            f"got {count}, {lines}, {samples}"
        )
    if size not in _SAMPLE_KINDS:
        raise ValueError(f"{path.name}: sample size must be 1, 2 or 4 bytes, got {size}")
    frame_bytes = 8 + lines * samples * size
    if frame_bytes > _MAX_FRAME_BYTES:
        raise ValueError(
            f"{path.name}: a frame must be <= {_MAX_FRAME_BYTES} bytes, got {frame_bytes}"
        )
    expected = _HEADER.size + count * frame_bytes
    if found != expected:
        fault = "is truncated" if found < expected else "has bytes left over"
        raise ValueError(
            f"{path.name} {fault}: {count} frames of {lines} x {samples} x {size} bytes make "
            f"{expected} bytes, got {found}"
        )
    return frame_id, count, lines, samples, size


def _check_against_header(name: str, header: Header, sizes: tuple[int, int, int, int]) -> None:
    """Raise if the `.yml` belongs to another recording."""
    said = (header.frames, header.lines, header.samples_per_line, header.sample_bytes)
    words = ("frames", "number of lines", "samples per line", "sample size")
    for word, in_yml, in_raw in zip(words, said, sizes, strict=True):
        if in_yml != in_raw:
            raise ValueError(f"{name}: the .yml says {word} {in_yml}, the .raw says {in_raw}")


def write_raw(recording: ClariusRecording, path: str | os.PathLike) -> Path:
    """Write a recording as the probe exports it: `.raw` and, beside it, `.yml`.

    Parameters
    ----------
    recording : ClariusRecording
    path : path-like
        Target, ending in `.raw`.

    Returns
    -------
    pathlib.Path
        The written `.raw`.

    Raises
    ------
    ValueError
        If the suffix is another, a time is negative, or the header counts other frames.
    """
    path = Path(path)
    if path.suffix != ".raw":
        raise ValueError(f"path must end in .raw, got {path.name!r}")
    if recording.time_s[0] < 0:
        raise ValueError(f"time_s must not be negative, got {recording.time_s[0]}")
    header = recording.header
    sizes = (header.lines, header.samples_per_line, header.sample_bytes)
    record = _frame_type(*sizes)
    _check_against_header(path.name, header, (len(recording), *sizes[:2], _bytes_of(recording)))
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        stream.write(_HEADER.pack(recording.frame_id, len(recording), *sizes))
        for index, time_s in enumerate(recording.time_s):
            frame = np.zeros(1, record)
            frame["time_ns"] = round(time_s / _NS)
            frame["samples"] = recording.samples[index : index + 1]
            stream.write(frame.tobytes())
    write_header(header, path.with_suffix(".yml"))
    return path


def _bytes_of(recording: ClariusRecording) -> int:
    """Return the bytes of one sample of a recording."""
    return {kind: size for size, (kind, _, _) in _SAMPLE_KINDS.items()}[recording.kind]


def log_compress(envelope: np.ndarray, *, dynamic_range_db: float = 60.0) -> np.ndarray:
    """Turn a linear envelope into grey levels by logarithmic compression.

    Parameters
    ----------
    envelope : numpy.ndarray (...)
        Amplitudes >= 0, for example `abs(I + iQ)`. Not for Clarius's 8-bit envelopes, which
        the probe has compressed already.
    dynamic_range_db : float
        Decibels below the maximum that become grey level 0.

    Returns
    -------
    numpy.ndarray (...) uint8
        255 at the maximum; all 0 where the envelope is 0 throughout.

    Raises
    ------
    ValueError
        If the dynamic range is not positive or an amplitude is negative or not finite.
    """
    if not dynamic_range_db > 0:
        raise ValueError(f"dynamic_range_db must be positive, got {dynamic_range_db}")
    envelope = np.asarray(envelope, np.float64)
    if not np.isfinite(envelope).all() or (envelope < 0).any():
        raise ValueError("envelope must be finite and >= 0")
    top = envelope.max(initial=0.0)
    if top == 0:
        return np.zeros(envelope.shape, np.uint8)
    floor = 10 ** (-dynamic_range_db / 20)
    level_db = 20 * np.log10(np.maximum(envelope / top, floor))
    return np.rint(255 * (1 + level_db / dynamic_range_db)).astype(np.uint8)
