"""The only border between NumPy and SimpleITK.

Decides the axis order: arrays are indexed [z, y, x] with `spacing_zyx_mm`; SimpleITK thinks
x, y, z. Nothing else in the package reverses a spacing. World is LPS, mm.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from hipus.files import atomic_path

_MAX_HEADER_BYTES = 1 << 20
_DATA_FILE = re.compile(rb"(?i)\s*(ElementDataFile\s*=|data ?file:)(.*)")
_SUFFIXES = (".mha", ".nii.gz", ".nii", ".nrrd")


@dataclass(frozen=True)
class Volume:
    """A volume and where it lies.

    Attributes
    ----------
    array : numpy.ndarray (D, H, W)
        Indexed [z, y, x].
    spacing_zyx_mm : tuple of 3 float
    origin_xyz_mm : tuple of 3 float
        World position of the centre of voxel [0, 0, 0].
    direction : numpy.ndarray (3, 3)
        Columns are the world directions of the x, y and z axes.
    """

    array: np.ndarray
    spacing_zyx_mm: tuple[float, float, float]
    origin_xyz_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: np.ndarray = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        """Check the array's shape, the spacing and the place."""
        if self.array.ndim != 3 or 0 in self.array.shape:
            raise ValueError(f"volume must be (D, H, W), none of them 0, got {self.array.shape}")
        spacing = tuple(float(side) for side in self.spacing_zyx_mm)
        if len(spacing) != 3 or not all(np.isfinite(side) and side > 0 for side in spacing):
            raise ValueError(f"spacing_zyx_mm must be 3 positive numbers, got {spacing}")
        origin, direction = np.asarray(self.origin_xyz_mm), np.asarray(self.direction)
        if origin.shape != (3,) or not np.isfinite(origin).all():
            raise ValueError(f"origin_xyz_mm must be 3 finite numbers, got {self.origin_xyz_mm}")
        if direction.shape != (3, 3) or not np.allclose(
            direction @ direction.T, np.eye(3), atol=1e-3
        ):
            raise ValueError(f"direction must be 3 orthogonal unit columns, got\n{direction}")


def to_sitk(volume: Volume) -> sitk.Image:
    """Return a SimpleITK image of a volume.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    SimpleITK.Image

    Raises
    ------
    ValueError
        For values of a type that no file holds, for example float16.
    """
    array = volume.array.astype(np.uint8) if volume.array.dtype == bool else volume.array
    try:
        image = sitk.GetImageFromArray(array)
    except TypeError as error:
        raise ValueError(f"volume must be of a type that files hold, got {array.dtype}") from error
    image.SetSpacing([float(side) for side in volume.spacing_zyx_mm[::-1]])
    image.SetOrigin([float(value) for value in volume.origin_xyz_mm])
    image.SetDirection(np.asarray(volume.direction, float).ravel().tolist())
    return image


def from_sitk(image: sitk.Image) -> Volume:
    """Return the volume of a 3D SimpleITK image.

    Parameters
    ----------
    image : SimpleITK.Image

    Returns
    -------
    Volume

    Raises
    ------
    ValueError
        If the image is not 3D with one component.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(
            f"image must be 3D with 1 component, got {image.GetDimension()}D "
            f"with {image.GetNumberOfComponentsPerPixel()}"
        )
    return Volume(
        array=sitk.GetArrayFromImage(image),
        spacing_zyx_mm=tuple(image.GetSpacing()[::-1]),
        origin_xyz_mm=tuple(image.GetOrigin()),
        direction=np.array(image.GetDirection()).reshape(3, 3),
    )


def check_suffix(path: str | os.PathLike) -> Path:
    """Return a path whose ending names a format that `write` knows, or say so.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        For another suffix.
    """
    path = Path(path)
    if not path.name.endswith(_SUFFIXES):
        raise ValueError(f"{path.name} must end in one of {', '.join(_SUFFIXES)}")
    return path


def write(volume: Volume, path: str | os.PathLike) -> Path:
    """Write a volume (.mha, .nii.gz, .nrrd), compressed and atomically.

    Parameters
    ----------
    volume : Volume
    path : path-like

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OSError
        If the folder cannot be written.
    ValueError
        For another suffix. Header-and-raw pairs (.mhd, .nhdr) are refused: two files cannot
        be moved into place as one.
    """
    path = check_suffix(path)
    with atomic_path(path) as temporary:
        sitk.WriteImage(to_sitk(volume), str(temporary), useCompression=True)
    return path


def read(path: str | os.PathLike) -> Volume:
    """Read a 3D volume.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Volume

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        For another suffix than `write` knows, for voxels in another file, or if it is not a
        readable 3D image; SimpleITK's own reason is passed on.
    """
    path = check_suffix(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    _refuse_detached(path)
    try:
        return from_sitk(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{path} cannot be read as a volume: {reason}") from error


def _refuse_detached(path: Path) -> None:
    """Raise for a header whose voxels lie in another file: it could name any file there is."""
    if path.suffix not in (".mha", ".nrrd"):
        return
    with open(path, "rb") as file:
        for line in file.read(_MAX_HEADER_BYTES).splitlines():
            named = _DATA_FILE.match(line)
            if named and named[2].strip().upper() != b"LOCAL":
                name = named[2].strip().decode(errors="replace")[:60]
                raise ValueError(f"{path}: voxels must be in the file itself, not in {name!r}")
            if named or not line.strip():
                return
