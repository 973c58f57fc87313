"""Pictures to segment, from any file that the package reads.

Decides what kind of input a file is (by its ending, and by its header where two kinds share
one), which statement of a pixel's size is believed, that drawings in DICOM pictures are
blackened, and that pictures in colour are refused. Poses are not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from hipus.cli import sources
from hipus.cli.untracked import read_untracked
from hipus.sweep import Sweep

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
#: Endings of volumes; the first and last may be sequences too.
VOLUME_SUFFIXES = (".mha", ".nii.gz", ".nii", ".nrrd")
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_DICOM_MAGIC, _MAGIC_AT = b"DICM", 128
#: Header fields that no volume has.
_SEQUENCE_SIGNS = (b"UltrasoundImageOrientation", b"Seq_Frame")
_HEADER_BYTES = 1 << 20


class Kind(StrEnum):
    """What a file holds."""

    PICTURE = "picture"
    DICOM = "dicom"
    SEQUENCE = "sequence"
    SCAN = "tus-rec scan"
    VOLUME = "volume"


@dataclass(frozen=True, eq=False)
class Pictures:
    """Frames to label.

    Attributes
    ----------
    frames : numpy.ndarray (N, H, W) uint8
    spacing_yx_mm : tuple of 2 float or None
        None only where `for_network` was false.
    spacing_from : str
        Who states it.
    is_consecutive : bool
        Frames follow each other in a sweep; stills do not.
    masked_percent : float
        Of all pixels, blackened because something was drawn there or outside the sonogram.
    """

    frames: np.ndarray
    spacing_yx_mm: tuple[float, float] | None
    spacing_from: str
    is_consecutive: bool = True
    masked_percent: float = 0.0


def kind_of(path: Path) -> Kind:
    """Return what kind of input a file is.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is none of them.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    name = path.name.lower()
    if name.endswith(PICTURE_SUFFIXES):
        return Kind.PICTURE
    if name.endswith(sources.TUSREC_SUFFIX):
        return Kind.SCAN
    if name.endswith(sources.SEQUENCE_SUFFIXES) and _is_sequence(path):
        return Kind.SEQUENCE
    if name.endswith(VOLUME_SUFFIXES):
        return Kind.VOLUME
    if name.endswith(DICOM_SUFFIXES) or _has_dicom_magic(path):
        return Kind.DICOM
    raise ValueError(
        f"{path} is no image that can be segmented: pictures end in "
        f"{', '.join(PICTURE_SUFFIXES)}, volumes in {', '.join(VOLUME_SUFFIXES)}, sweeps in "
        f"{', '.join((*sources.SEQUENCE_SUFFIXES, sources.TUSREC_SUFFIX))}, or it is DICOM"
    )


def read_pictures(
    path: Path,
    kind: Kind,
    *,
    pixel_xy_mm: tuple[float, float] | None = None,
    calibration: np.ndarray | None = None,
    masks_text: bool | None = None,
    for_network: bool = True,
) -> Pictures:
    """Read frames and the size of their pixels.

    Parameters
    ----------
    path : Path
    kind : Kind
        Any but a volume.
    pixel_xy_mm : tuple of 2 float, optional
        Stands against whatever the file says.
    calibration : numpy.ndarray (4, 4), optional
        `T_pixel_to_probe` of a sweep: its scale.
    masks_text : bool, optional
        Blacken burnt-in text and all else that is drawn. Left out: in DICOM files only.
    for_network : bool
        False for a person, who needs neither a scale nor pictures without colour.

    Returns
    -------
    Pictures

    Raises
    ------
    ValueError
        If nothing tells the size of a pixel, a picture is in colour or not of 8 bits, or a
        file cannot be read.
    """
    if masks_text is None:
        masks_text = kind is Kind.DICOM
    if kind is Kind.PICTURE:
        frames, is_coloured = _read_picture(path)
        stated, is_consecutive = None, False
    elif kind is Kind.DICOM:
        frames, is_coloured, stated, is_consecutive = _read_cine(path)
    else:
        frames, stated = _read_sweep(path, calibration)
        is_coloured, is_consecutive = None, True
    found = (pixel_xy_mm, "--pixel-mm") if pixel_xy_mm else stated
    if found is None and for_network:
        raise ValueError(f"{path} does not state the size of a pixel: give it with --pixel-mm")
    masked_percent = 0.0
    if masks_text:
        frames, masked_percent = _without_drawings(frames, is_coloured, path)
    elif for_network and is_coloured is not None and is_coloured.any():
        raise ValueError(
            f"{path} is in colour in {np.count_nonzero(is_coloured)} pixels: networks see grey "
            "levels only; convert it, or blacken what is drawn with --mask-text"
        )
    sides, told_by = found or (None, "")
    return Pictures(frames, sides and sides[::-1], told_by, is_consecutive, masked_percent)


def read_recording(
    path: Path,
    *,
    is_tracked: bool,
    calibration: np.ndarray | None = None,
    pixel_xy_mm: tuple[float, float] | None = None,
    probe: str = "Probe",
    reference: str | None = None,
    masks_text: bool = False,
) -> Sweep:
    """Read a sweep that is to be put into a volume.

    Parameters
    ----------
    path : Path
        A sequence or a scan.
    is_tracked : bool
        Its own poses are wanted.
    calibration : numpy.ndarray (4, 4), optional
        `T_pixel_to_probe`; a scan's may lie beside it, a sequence may hold its own.
    pixel_xy_mm : tuple of 2 float, optional
        Of an untracked sweep that is not calibrated.
    probe, reference : str
        Names of the frames of reference in a sequence.
    masks_text : bool
        Blacken what is drawn in the pictures: black margins make a volume no wider.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If a calibration is missing, or contradicts the size of a pixel that is given.
    """
    sweep = _tracked(path, probe, reference, calibration) if is_tracked else None
    sweep = sweep or read_untracked(path, calibration=calibration)
    if sweep.T_pixel_to_probe is not None and pixel_xy_mm is not None:
        raise ValueError(f"{path} is calibrated: --pixel-mm is for sweeps that are not")
    if is_tracked and sweep.T_pixel_to_probe is None:
        raise ValueError(f"{path} holds no calibration: name one with --image-to-probe")
    spacing = pixel_xy_mm or sweep.pixel_spacing_xy_mm
    if spacing is None:
        raise ValueError(f"{path} does not state the size of a pixel: give it with --pixel-mm")
    if masks_text:
        frames, _ = _without_drawings(np.asarray(sweep.frames[:]), None, path)
        sweep = replace(sweep, frames=frames)
    return replace(sweep, pixel_spacing_xy_mm=spacing)


def _tracked(path: Path, probe: str, reference: str | None, calibration) -> Sweep:
    """Return a sweep with its own poses, or say where poses can come from."""
    try:
        return sources.read_sweep(path, probe=probe, reference=reference, calibration=calibration)
    except ValueError as error:
        raise ValueError(
            f"{error}; a sweep that nobody tracked needs --poses, as `hipus track` writes them"
        ) from error


def _is_sequence(path: Path) -> bool:
    """Return whether a header has fields of a sequence; `.igs` and `.mhd` are never volumes."""
    name = path.name.lower()
    if name.endswith(".mhd") or ".igs." in name:
        return True
    with open(path, "rb") as stream:
        start = stream.read(_HEADER_BYTES)
    return any(sign in start for sign in _SEQUENCE_SIGNS)


def _has_dicom_magic(path: Path) -> bool:
    """Return whether a file says that it is DICOM."""
    with open(path, "rb") as stream:
        return stream.read(_MAGIC_AT + len(_DICOM_MAGIC))[_MAGIC_AT:] == _DICOM_MAGIC


def _read_picture(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return one picture as frames, and where it is in colour."""
    import cv2

    from hipus.formats.dicom import to_grey

    encoded = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    if picture is None:
        raise ValueError(f"{path} cannot be read as a picture")
    if picture.dtype != np.uint8:
        raise ValueError(f"{path} must have 8 bits a channel, got {picture.dtype}")
    if picture.ndim == 3:  # OpenCV has blue first; what is see-through has no grey level
        picture = picture[:, :, 2::-1] if picture.shape[2] >= 3 else picture[:, :, 0]
    grey, is_coloured = to_grey(picture)
    return np.ascontiguousarray(grey)[None], is_coloured[None]


def _read_cine(path: Path):
    """Return frames, where they are in colour, what the file states, and whether they follow."""
    from hipus.formats import dicom

    cine = dicom.read(path)
    trusted = [one for one in cine.spacings if one.source.name != "UNTRUSTED_PLACEHOLDER"]
    stated = (trusted[0].spacing_xy_mm, trusted[0].source.value) if trusted else None
    return cine.frames, cine.is_coloured, stated, cine.time_s is not None and len(cine.frames) > 1


def _read_sweep(path: Path, calibration: np.ndarray | None):
    """Return frames of a sequence or scan, and the size of a pixel where it is known."""
    sweep = read_untracked(path, calibration=calibration)
    spacing = sweep.pixel_spacing_xy_mm
    return np.asarray(sweep.frames[:]), None if spacing is None else (spacing, "the sweep")


def _without_drawings(frames, is_coloured, path: Path) -> tuple[np.ndarray, float]:
    """Return frames with text, rulers and colour blackened, and how much that is."""
    from hipus.formats.burnt_in import mask_burnt_in_text

    try:
        found = mask_burnt_in_text(frames, is_coloured=is_coloured)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return found.frames, 100.0 * float(found.is_masked.mean())
