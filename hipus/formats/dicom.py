"""Multi-frame ultrasound DICOM: frames, times, and how far to trust the pixel spacing.

Decides which elements of a file are looked at (no element that names a person, a place or a
device is even parsed), how colour becomes grey, and that a spacing is handed out only to who
says which source is good enough. Deliberately reads ultrasound only, and writes no DICOM.
"""

from __future__ import annotations

import logging
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus.formats.burnt_in import MaskedFrames, mask_burnt_in_text
from hipus.formats.dicom_geometry import PixelSpacing, SpacingSource, regions_of, spacings_of
from hipus.sweep import check_times

log = logging.getLogger(__name__)

__all__ = ["DicomCine", "MaskedFrames", "PixelSpacing", "SpacingSource", "mask_burnt_in_text"]
__all__ += ["read", "to_grey"]

_TAGS = [
    *("Modality", "NumberOfFrames", "FrameTime", "FrameTimeVector", "PixelSpacing"),
    *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "SequenceOfUltrasoundRegions"),
]
_MAX_BYTES = 8 << 30
#: What pydicom and its decoders raise for damaged files, beside ValueError.
_DAMAGE = (EOFError, RuntimeError, AttributeError, TypeError, KeyError, struct.error)
#: Difference of colour channels from which a pixel was drawn in colour; lossy compression of
#: grey pictures stays below.
COLOUR_GREY_LEVELS = 32
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class DicomCine:
    """Frames of one file.

    Attributes
    ----------
    frames : numpy.ndarray (N, H, W) uint8
        Grey levels, burnt-in text included: see `mask_burnt_in_text`.
    is_coloured : numpy.ndarray (N, H, W) bool
        Pixels drawn in colour.
    time_s : numpy.ndarray (N,) or None
        None where the file states no frame time (stills).
    spacings : tuple of PixelSpacing
        Every statement the file makes, best first; none may be there.
    regions_xyxy : tuple of tuple of int
        Boxes of the two-dimensional regions: first and last column and row.
    """

    frames: np.ndarray
    is_coloured: np.ndarray
    time_s: np.ndarray | None
    spacings: tuple[PixelSpacing, ...]
    regions_xyxy: tuple[tuple[int, int, int, int], ...]

    def pixel_spacing(self, source: SpacingSource) -> PixelSpacing:
        """Return the pixel spacing that the file states in the given place.

        Parameters
        ----------
        source : SpacingSource
            The caller says which source is good enough; there is no default.

        Returns
        -------
        PixelSpacing

        Raises
        ------
        ValueError
            If the file states none there; the message lists what it does state.
        """
        for found in self.spacings:
            if found.source is source:
                return found
        stated = [f"{item.source.name} {item.spacing_xy_mm}" for item in self.spacings]
        raise ValueError(f"no pixel spacing of source {source.name}; the file states {stated}")


def read(path: str | os.PathLike) -> DicomCine:
    """Read the frames of an ultrasound file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    DicomCine

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is no DICOM, no ultrasound, not of 8 bits, of an unknown colour model, in a
        transfer syntax that nothing here decodes, or damaged.
    """
    import pydicom

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such DICOM file")
    try:
        _refuse_deflated(path)
        found = pydicom.dcmread(path, specific_tags=_TAGS)
    except (pydicom.errors.InvalidDicomError, *_DAMAGE) as error:
        raise ValueError(f"{path.name} is no readable DICOM: {error}") from error
    _check_kind(found, path.name)
    _check_decoder(found, path.name)
    frames, is_coloured = _decode(found, path.name)
    return DicomCine(
        frames=frames,
        is_coloured=is_coloured,
        time_s=_times(found, path.name, count=len(frames)),
        spacings=spacings_of(found),
        regions_xyxy=regions_of(found),
    )


def _refuse_deflated(path: Path) -> None:
    """Raise for a data set that is deflated as a whole: no declared size bounds it."""
    from pydicom.filereader import read_file_meta_info
    from pydicom.uid import UID

    syntax = UID(str(read_file_meta_info(path).get("TransferSyntaxUID", "")))
    if syntax.is_transfer_syntax and syntax.is_deflated:
        raise ValueError(f"{path.name}: TransferSyntaxUID must not be deflated, got {syntax.name}")


def _check_kind(found, name: str) -> None:
    """Raise unless the file holds 8-bit ultrasound pictures of a plausible size."""
    modality = found.get("Modality", "US")
    if modality != "US":
        raise ValueError(f"{name}: Modality must be US, got {modality!r}")
    for keyword in ("Rows", "Columns", "PhotometricInterpretation", "PixelData"):
        if keyword not in found:
            raise ValueError(f"{name}: {keyword} is missing")
    if found.get("BitsAllocated") != 8:
        raise ValueError(f"{name}: BitsAllocated must be 8, got {found.get('BitsAllocated')}")
    model = found.PhotometricInterpretation
    known = ("MONOCHROME1", "MONOCHROME2", "RGB")
    if model not in known and not model.startswith("YBR_"):
        raise ValueError(
            f"{name}: PhotometricInterpretation must be {', '.join(known)} or YBR_..., "
            f"got {model!r}"
        )
    declared = _count(found) * found.Rows * found.Columns * found.get("SamplesPerPixel", 1)
    if not 0 < declared <= _MAX_BYTES:
        raise ValueError(f"{name}: pixels must be 1 to {_MAX_BYTES} bytes, got {declared}")


def _count(found) -> int:
    """Return the declared number of frames."""
    return int(found.get("NumberOfFrames") or 1)


def _check_decoder(found, name: str) -> None:
    """Raise, naming the transfer syntax, if nothing here decodes it."""
    from pydicom.pixels import get_decoder

    meta = getattr(found, "file_meta", None)
    syntax = meta.get("TransferSyntaxUID") if meta else None
    if syntax is None:
        raise ValueError(f"{name}: TransferSyntaxUID is missing")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available:
        raise ValueError(f"{name}: no decoder for transfer syntax {syntax.name} ({syntax})")


def _decode(found, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return grey frames and colour mask, decoding one frame at a time."""
    from pydicom.pixels import iter_pixels

    shape = (_count(found), int(found.Rows), int(found.Columns))
    frames, is_coloured = np.empty(shape, np.uint8), np.zeros(shape, bool)
    done = 0
    try:
        for picture in iter_pixels(found):
            if done < len(frames):
                frames[done], is_coloured[done] = to_grey(picture)
            done += 1
    except (ValueError, *_DAMAGE) as error:
        raise ValueError(f"{name}: frame {done} cannot be decoded: {error}") from error
    if done != len(frames):
        raise ValueError(f"{name}: NumberOfFrames is {len(frames)}, got {done} frames")
    if found.PhotometricInterpretation == "MONOCHROME1":
        frames = 255 - frames
    return frames, is_coloured


def to_grey(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn one picture into grey levels (luma of ITU-R BT.601) and say where colour was.

    Parameters
    ----------
    picture : numpy.ndarray (H, W) or (H, W, 3) uint8
        Grey, or red, green, blue (luma-chroma files are converted to it on decoding).

    Returns
    -------
    grey : numpy.ndarray (H, W) uint8
        0.299 R + 0.587 G + 0.114 B, rounded; where the channels are equal, their value.
    is_coloured : numpy.ndarray (H, W) bool
        Where the channels differ by `COLOUR_GREY_LEVELS` or more.

    Raises
    ------
    ValueError
        If the picture has another shape.
    """
    if picture.ndim == 2:
        return picture, np.zeros(picture.shape, bool)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"picture must be (H, W) or (H, W, 3), got {picture.shape}")
    red, green, blue = (picture[..., channel] for channel in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    spread = highest - np.minimum(np.minimum(red, green), blue)
    if not spread.any():  # a grey picture stored as RGB: most of them
        return red, spread.astype(bool)
    grey = np.rint(picture.astype(np.float32) @ _LUMA).astype(np.uint8)
    return grey, spread >= COLOUR_GREY_LEVELS


def _times(found, name: str, *, count: int) -> np.ndarray | None:
    """Return frame times from FrameTimeVector or FrameTime (both ms), or None."""
    if found.get("FrameTimeVector"):
        steps_ms = np.atleast_1d(np.asarray(found.FrameTimeVector, np.float64))
        if len(steps_ms) != count:
            raise ValueError(
                f"{name}: FrameTimeVector must have {count} values, got {len(steps_ms)}"
            )
        return check_times(np.cumsum(steps_ms) * 1e-3, f"{name}: FrameTimeVector")
    if found.get("FrameTime"):
        return check_times(np.arange(count) * float(found.FrameTime) * 1e-3, f"{name}: FrameTime")
    return None
