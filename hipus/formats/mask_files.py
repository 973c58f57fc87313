"""Masks on disk, each with a sidecar that says what its numbers mean.

Decides the sidecar (`<mask file>.labels.json`), which formats hold masks (.mha, .nii.gz, .nii and
.nrrd for volumes and stacks of frames, .png for a single picture) and that no number outside the
scheme gets in or out: 3 is a chondro-osseous border in a hip mask and an os ischium in one of the
stills. Deliberately compares no masks and never guesses a scheme from the numbers.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np

from hipus import images
from hipus.files import atomic_path, write_text
from hipus.labels import HipLabel, StillLabel

#: Names of the schemes in sidecars and on the command line.
SCHEMES: dict[str, type[IntEnum]] = {"hip": HipLabel, "stills": StillLabel}
#: `hipus.labels` has the singular.
_ALIASES = {"still": "stills"}
ORIGINS = ("simulated", "recorded")
PICTURE = ".png"


@dataclass(frozen=True, eq=False)
class LabelMask:
    """A mask and what its numbers mean.

    Attributes
    ----------
    array : numpy.ndarray (D, H, W), (N, H, W) or (H, W) uint8
        Volume, stack of frames, or single picture.
    scheme : {"hip", "stills"}
    spacing_zyx_mm : tuple of 3 float or None
        None for a picture: its file has no scale.
    origin_xyz_mm : tuple of 3 float
        World position of the centre of voxel [0, 0, 0].
    direction : numpy.ndarray (3, 3)
    made_by, of, origin : str
        As the sidecar says: who made it (a model, a rater, "truth"), of what, and whether that
        is "simulated" or "recorded"; "" where there is no sidecar.
    """

    array: np.ndarray
    scheme: str
    spacing_zyx_mm: tuple[float, float, float] | None
    origin_xyz_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: np.ndarray = field(default_factory=lambda: np.eye(3))
    made_by: str = ""
    of: str = ""
    origin: str = ""

    @property
    def labels(self) -> type[IntEnum]:
        """Return names and numbers of the scheme."""
        return SCHEMES[self.scheme]

    @property
    def volume(self) -> images.Volume:
        """Return the mask as a volume.

        Raises
        ------
        ValueError
            If it is a picture without spacing.
        """
        if self.spacing_zyx_mm is None:
            raise ValueError(f"mask of {self.array.shape} is a picture without spacing, no volume")
        return images.Volume(
            self.array, self.spacing_zyx_mm, self.origin_xyz_mm, np.asarray(self.direction)
        )


def scheme_name(name: str) -> str:
    """Return the name under which a scheme is written, or say which there are.

    Parameters
    ----------
    name : str
        "hip" or "stills" ("still" is understood).

    Returns
    -------
    str

    Raises
    ------
    ValueError
        For another name.
    """
    known = _ALIASES.get(name, name)
    if known not in SCHEMES:
        raise ValueError(f"label scheme must be one of {'|'.join(SCHEMES)}, got {name!r}")
    return known


def sidecar_file(path: str | os.PathLike) -> Path:
    """Return where a mask's sidecar lies: `<mask file>.labels.json`."""
    path = Path(path)
    return path.with_name(f"{path.name}.labels.json")


def write_mask(
    mask: images.Volume | np.ndarray,
    path: str | os.PathLike,
    *,
    scheme: str,
    made_by: str,
    origin: str,
    of: str = "",
    spacing_zyx_mm: tuple[float, float, float] | None = None,
) -> Path:
    """Write a mask and its sidecar.

    Parameters
    ----------
    mask : hipus.images.Volume, or numpy.ndarray (N, H, W) or (H, W)
        Whole numbers of the scheme.
    path : path-like
        .mha, .nii.gz, .nii or .nrrd; .png for an (H, W) picture.
    scheme : {"hip", "stills"}
    made_by : str
        A model, a rater, "truth".
    origin : {"simulated", "recorded"}
        Where the pictures come from; stated each time, so that a simulated mask is never taken
        for a patient's.
    of : str
        What was segmented, for example "S001/left_p_a".
    spacing_zyx_mm : tuple of 3 float, optional
        Of a stack, which has none of its own: between frames, rows and columns.

    Returns
    -------
    pathlib.Path
        The mask's file.

    Raises
    ------
    ValueError
        For numbers outside the scheme, a stack without spacing, a picture that is not to be a
        .png, or an unknown scheme, origin or suffix.

    Notes
    -----
    An old sidecar goes first and the new one comes last: whatever interrupts, no mask is left
    with the sidecar of another one.
    """
    path, name = Path(path), scheme_name(scheme)
    if origin not in ORIGINS:
        raise ValueError(f"origin must be one of {ORIGINS}, got {origin!r}")
    is_picture = _check_form(mask, path, spacing_zyx_mm)
    array = _whole_numbers(mask.array if isinstance(mask, images.Volume) else mask, name, path)
    sidecar_file(path).unlink(missing_ok=True)
    if is_picture:
        _write_picture(array, path)
    elif isinstance(mask, images.Volume):
        images.write(
            images.Volume(array, mask.spacing_zyx_mm, mask.origin_xyz_mm, mask.direction), path
        )
    else:
        images.write(images.Volume(array, spacing_zyx_mm), path)
    content = {"scheme": name, "labels": _numbers(name), "made_by": made_by, "of": of}
    text = json.dumps(content | {"origin": origin}, indent=2) + "\n"
    write_text(sidecar_file(path), text)
    return path


def read_mask(path: str | os.PathLike, *, scheme: str | None = None) -> LabelMask:
    """Read a mask and what its numbers mean.

    Parameters
    ----------
    path : path-like
        As `write_mask` writes it, or anybody's mask in one of these formats.
    scheme : {"hip", "stills"}, optional
        Needed where the mask has no sidecar; where it has one, both must agree.

    Returns
    -------
    LabelMask

    Raises
    ------
    FileNotFoundError
        If the mask is missing.
    ValueError
        If nothing says what the numbers mean, sidecar and `scheme` disagree, a number is
        outside the scheme, or a file is damaged.
    """
    path, sidecar = Path(path), sidecar_file(path)
    wanted = None if scheme is None else scheme_name(scheme)
    about = _read_sidecar(sidecar) if sidecar.is_file() else {}
    name = about.pop("scheme", wanted)
    if wanted is not None and wanted != name:
        raise ValueError(f"{sidecar} says that labels are {name!r}, asked for {wanted!r}")
    if path.suffix == PICTURE:
        array, place = _read_picture(path), {"spacing_zyx_mm": None}
    else:
        volume = images.read(path)
        array, place = volume.array, {"spacing_zyx_mm": volume.spacing_zyx_mm}
        place |= {"origin_xyz_mm": volume.origin_xyz_mm, "direction": volume.direction}
    if name is None:
        raise ValueError(
            f"{path} has no {sidecar.name}: say what its numbers mean, --labels hip|stills"
        )
    return LabelMask(_whole_numbers(array, name, path), name, **place, **about)


def _numbers(name: str) -> dict[str, int]:
    """Return a scheme's names and numbers as a sidecar holds them."""
    return {label.name.lower(): int(label) for label in SCHEMES[name]}


def _check_form(mask, path: Path, spacing_zyx_mm) -> bool:
    """Return whether a mask is a picture; refuse a form that the file cannot hold."""
    if isinstance(mask, images.Volume):
        images.check_suffix(path)
        return False
    shape = np.shape(mask)
    if len(shape) == 2:
        if path.suffix != PICTURE:
            raise ValueError(f"{path.name}: a mask of {shape} has no scale, it must end in .png")
        return True
    images.check_suffix(path)
    if len(shape) != 3:
        raise ValueError(f"mask must be a volume, (N, H, W) or (H, W), got {shape}")
    if spacing_zyx_mm is None:
        raise ValueError(f"spacing_zyx_mm must be given for a stack of {shape}, got None")
    return False


def _whole_numbers(array, name: str, path: Path) -> np.ndarray:
    """Return a mask as uint8 after checking every number against the scheme."""
    array, known = np.asarray(array), np.array([int(label) for label in SCHEMES[name]])
    outside = ~np.isin(array, known)
    if outside.any():
        found = np.unique(array[outside])
        shown = ", ".join(f"{value:g}" for value in found[:5])
        more = ", ..." if len(found) > 5 else ""
        raise ValueError(
            f"{path}: values {shown}{more} in {np.count_nonzero(outside)} places are not in "
            f"scheme {name!r}, {known.min()} to {known.max()}"
        )
    return np.ascontiguousarray(array, dtype=np.uint8)


def _read_sidecar(path: Path) -> dict[str, str]:
    """Return scheme, made_by, of and origin of a sidecar."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {key: content.get(key, "") for key in ("scheme", "made_by", "of", "origin")}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no sidecar of a mask: {error}") from error
    wrong = [key for key, value in found.items() if not isinstance(value, str)]
    if wrong:
        raise ValueError(f"{path}: {wrong} must be text")
    try:
        found["scheme"] = scheme_name(found["scheme"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    numbers = _numbers(found["scheme"])
    if content.get("labels", numbers) != numbers:
        raise ValueError(f"{path}: labels must be {numbers}, got {content['labels']}")
    return found


def _write_picture(array: np.ndarray, path: Path) -> None:
    """Write a single picture."""
    import cv2  # here: half a second that volumes need not wait for

    done, encoded = cv2.imencode(PICTURE, array)
    if not done:
        raise ValueError(f"{path}: a mask of {array.shape} cannot be written as a picture")
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _read_picture(path: Path) -> np.ndarray:
    """Read a single picture of one channel."""
    import cv2

    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    encoded = np.frombuffer(path.read_bytes(), np.uint8)
    array = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    if array is None:
        raise ValueError(f"{path} cannot be read as a picture")
    if array.ndim != 2:
        raise ValueError(f"{path}: a mask must have one channel, got {array.shape[2]}")
    return array
