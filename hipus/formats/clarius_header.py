"""The `.yml` beside a Clarius `.raw`: what the probe did, with units.

Decides which keys a header must carry and in which units they are understood. Deliberately
guesses nothing that the file does not say: it names no probe, so the distance between lines
is known in elements, and in millimetres only once the caller states the element pitch.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import plain_yaml
from hipus.files import write_text
from hipus.plain_yaml import short

#: Speed of sound with which the printed imaging depth of the samples agrees to 0.1 %.
SPEED_OF_SOUND_M_S = 1540.0
_MAX_BYTES = 1 << 24
_NUMBER = re.compile(r"^\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([^\s0-9]*)\s*$")
_SCALE = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "mm": 1.0, "cm": 10.0, "bytes": 1, "°": 1.0}


@dataclass(frozen=True)
class Header:
    """What a Clarius header says.

    Attributes
    ----------
    frames, lines, samples_per_line, sample_bytes : int
        Sizes of the recording.
    frame_rate_hz, transmit_frequency_hz, sampling_rate_hz : float
        The sampling rate is that of the stored samples.
    imaging_depth_mm, focal_depth_mm : float
    delay_samples : int
        As written; not applied to any depth.
    line_element : numpy.ndarray (lines,)
        Position of each receive line along the array, in elements (not whole).
    line_angle_deg : numpy.ndarray (lines,)
        Steering of each line.
    data_type : str
        For example "B pre-scan".
    """

    frames: int
    lines: int
    samples_per_line: int
    sample_bytes: int
    frame_rate_hz: float
    transmit_frequency_hz: float
    sampling_rate_hz: float
    imaging_depth_mm: float
    focal_depth_mm: float
    delay_samples: int
    line_element: np.ndarray
    line_angle_deg: np.ndarray
    data_type: str = "B pre-scan"

    def __post_init__(self) -> None:
        """Check that every size and rate is positive and each line is described."""
        for name in ("frames", "lines", "samples_per_line", "sample_bytes", "sampling_rate_hz"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("line_element", "line_angle_deg"):
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != (self.lines,):
                raise ValueError(f"{name} must be ({self.lines},), got {values.shape}")
            object.__setattr__(self, name, values)

    def sample_pitch_mm(self, speed_of_sound_m_s: float = SPEED_OF_SOUND_M_S) -> float:
        """Return the axial distance of two samples, mm (there and back: half the path).

        Parameters
        ----------
        speed_of_sound_m_s : float

        Returns
        -------
        float
        """
        return 1e3 * speed_of_sound_m_s / (2 * self.sampling_rate_hz)

    def line_pitch_mm(self, element_pitch_mm: float) -> float:
        """Return the mean lateral distance of two lines at the array, mm.

        Parameters
        ----------
        element_pitch_mm : float
            Distance of two elements; from the probe's data sheet, not from this file.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there is one line only.
        """
        if self.lines < 2:
            raise ValueError("line_pitch_mm needs at least 2 lines, got 1")
        span = float(self.line_element[-1] - self.line_element[0])
        return span / (self.lines - 1) * element_pitch_mm


def read_header(path: str | os.PathLike) -> Header:
    """Read the `.yml` beside a `.raw`.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Header

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is no YAML, a key is missing or has an unknown unit, or the samples are
        compressed.

    Notes
    -----
    One line of every export, `tgc: { 0.00mm, 23.00dB }{ ... }`, is no YAML; it is quoted
    before the safe loader sees it. The gains themselves are not used.
    """
    path = Path(path)
    said = _Keys(path.name, _load(path))
    packing = said.text("compression", default="none")
    if packing != "none":
        raise ValueError(f"{path.name}: compression must be none, got {packing!r}")
    lines = [_Keys(path.name, line) for line in said.block("lines", list)]
    size = _Keys(path.name, said.block("size", dict))
    try:
        return Header(
            frames=said.whole("frames"),
            lines=size.whole("number of lines"),
            samples_per_line=size.whole("samples per line"),
            sample_bytes=size.whole("sample size"),
            frame_rate_hz=said.number("frame rate"),
            transmit_frequency_hz=said.number("transmit frequency"),
            sampling_rate_hz=said.number("sampling rate"),
            imaging_depth_mm=said.number("imaging depth"),
            focal_depth_mm=said.number("focal depth"),
            delay_samples=said.whole("delay samples"),
            line_element=np.array([line.number("rx element") for line in lines]),
            line_angle_deg=np.array([line.number("angle") for line in lines]),
            data_type=said.text("type", default=""),
        )
    except ValueError as error:
        message = str(error)
        raise ValueError(message if path.name in message else f"{path.name}: {message}") from error


def _load(path: Path) -> object:
    """Return the parsed YAML of a header."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such Clarius header (the .yml beside the .raw)")
    documents = plain_yaml.read_documents(path, max_bytes=_MAX_BYTES, mend=_quote_tgc)
    if len(documents) != 1:
        raise ValueError(f"{path.name} must hold one YAML document, got {len(documents)}")
    return documents[0]


def _quote_tgc(text: str) -> str:
    """Quote the one line of every export that is no YAML."""
    return re.sub(r"(?m)^(tgc:[ \t]*)(\{.*)$", r"\1'\2'", text)


class _Keys:
    """Typed access to the keys of one block, naming file and key when one is wrong."""

    def __init__(self, name: str, values: object) -> None:
        """Take a block."""
        if not isinstance(values, dict):
            raise ValueError(f"{name} must hold keys and values, got {type(values).__name__}")
        self.name, self.values = name, values

    def block(self, key: str, kind: type):
        """Return a nested list or mapping."""
        found = self.values.get(key)
        if not isinstance(found, kind):
            raise ValueError(f"{self.name}: {key!r} must be a {kind.__name__}, got {short(found)}")
        return found

    def text(self, key: str, *, default: str) -> str:
        """Return a text."""
        found = self.values.get(key, default)
        if not isinstance(found, str | int | float):
            raise ValueError(f"{self.name}: {key!r} must be a text, got {short(found)}")
        return str(found)

    def number(self, key: str) -> float:
        """Return a number in Hz, mm, degrees or bytes."""
        found = self.values.get(key)
        match = _NUMBER.match(str(found)) if isinstance(found, str | int | float) else None
        value = _finite(match[1]) if match and match[2] in {"", *_SCALE} else None
        if value is None:
            units = ", ".join(_SCALE)
            raise ValueError(f"{self.name}: {key!r} must be a number ({units}), got {short(found)}")
        return value * _SCALE.get(match[2], 1.0)

    def whole(self, key: str) -> int:
        """Return a whole number."""
        found = self.number(key)
        if found != int(found):
            raise ValueError(f"{self.name}: {key!r} must be a whole number, got {found}")
        return int(found)


def _finite(text: str) -> float | None:
    """Return a text's finite number, None where it has none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def write_header(header: Header, path: str | os.PathLike) -> Path:
    """Write a header in the layout of the probe's own.

    Parameters
    ----------
    header : Header
    path : path-like
        Target, ending in `.yml`.

    Returns
    -------
    pathlib.Path
        The written file.
    """
    mega = 1e-6
    lines = [
        "# raw data parameters",
        "",
        f"frames: {header.frames}",
        f"frame rate: {header.frame_rate_hz:.12g} Hz",
        f"transmit frequency: {header.transmit_frequency_hz * mega:.12g} MHz",
        f"imaging depth: {header.imaging_depth_mm:.12g} mm",
        f"focal depth: {header.focal_depth_mm:.12g} mm",
        f"size: {{samples per line: {header.samples_per_line}, "
        f"number of lines: {header.lines}, sample size: {header.sample_bytes} bytes}}",
        f"type: {header.data_type}",
        "compression: none",
        f"sampling rate: {header.sampling_rate_hz * mega:.12g} MHz",
        f"delay samples: {header.delay_samples}",
        "lines:",
    ]
    for element, angle in zip(header.line_element, header.line_angle_deg, strict=True):
        lines.append(f"  - {{rx element: {element:.17g}, angle: {angle:.17g} °}}")
    return write_text(path, "\n".join(lines) + "\n")
