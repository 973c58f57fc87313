"""The calibration file of the TUS-REC challenges.

Decides how `calib_matrix.csv` (a scale and a rigid motion) becomes our pixel-to-probe
transform and back, and where the challenge's pixels, counted from 1, meet ours, counted from
0. Deliberately estimates no calibration.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.files import write_text

SCALE_NAME = "scaling_from_pixel_to_mm"
RIGID_NAME = "spatial_calibration_from_image_coordinate_system_to_tracking_tool_coordinate_system"
# Our pixel (u, v) = (0, 0) is the challenge's (1, 1).
_T_OUR_PIXEL_TO_THEIRS = geometry.transform(translation=[1.0, 1.0, 0.0])


@dataclass(frozen=True)
class Calibration:
    """The two matrices of `calib_matrix.csv`.

    Attributes
    ----------
    T_pixel1_to_image : numpy.ndarray (4, 4)
        Scale, mm per pixel, for pixels counted from 1.
    T_image_to_tool : numpy.ndarray (4, 4)
        Rigid, mm.
    """

    T_pixel1_to_image: np.ndarray
    T_image_to_tool: np.ndarray

    @property
    def T_pixel_to_probe(self) -> np.ndarray:
        """Return the (4, 4) transform of pixels counted from 0 to the tool, in mm."""
        return geometry.compose(
            self.T_image_to_tool, self.T_pixel1_to_image, _T_OUR_PIXEL_TO_THEIRS
        )


def read_calibration(path: str | os.PathLike) -> Calibration:
    """Read `calib_matrix.csv`.

    Parameters
    ----------
    path : path-like
        Two blocks, each a title line and four rows of four numbers.

    Returns
    -------
    Calibration

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If a block is missing or malformed, the scale is no scale, or the second is not rigid.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such calibration file")
    blocks = _read_blocks(path)
    scale = geometry.check_transform(blocks[SCALE_NAME], f"{path.name}: {SCALE_NAME}", rigid=False)
    sides = np.diag(scale)[:3]
    if (sides <= 0).any() or not np.array_equal(scale, np.diag([*sides, 1.0])):
        raise ValueError(f"{path.name}: {SCALE_NAME} must be a positive diagonal, got\n{scale}")
    rigid = geometry.check_transform(blocks[RIGID_NAME], f"{path.name}: {RIGID_NAME}")
    return Calibration(scale, rigid)


def _read_blocks(path: Path) -> dict[str, np.ndarray]:
    """Return the titled 4 x 4 blocks of a calibration file."""
    rows = [row for row in _read_rows(path) if row]
    titles = {row[0]: start for start, row in enumerate(rows) if len(row) == 1}
    blocks = {}
    for name in (SCALE_NAME, RIGID_NAME):
        if name not in titles:
            raise ValueError(f"{path.name} must hold the block {name!r}, has {sorted(titles)}")
        block = rows[titles[name] + 1 : titles[name] + 5]
        try:
            blocks[name] = np.array(block, dtype=np.float64).reshape(4, 4)
        except ValueError as error:
            raise ValueError(f"{path.name}: {name} must be 4 rows of 4 numbers: {error}") from error
    return blocks


def _read_rows(path: Path) -> list[list[str]]:
    """Return the cells of each line that hold anything."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            return [[cell.strip() for cell in row if cell.strip()] for row in csv.reader(stream)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name} is no readable CSV: {error}") from error


def write_calibration(T_pixel_to_probe, path: str | os.PathLike) -> Path:
    """Write our pixel-to-probe transform as `calib_matrix.csv`.

    Parameters
    ----------
    T_pixel_to_probe : array-like (4, 4)
        Pixels counted from 0 to the probe, mm; no shear.
    path : path-like
        Target, ending in `.csv`.

    Returns
    -------
    pathlib.Path
        The written file.

    Raises
    ------
    ValueError
        If the transform is not a scale followed by a rigid motion.
    """
    T = geometry.check_transform(T_pixel_to_probe, "T_pixel_to_probe", rigid=False)
    T_pixel1_to_probe = geometry.compose(T, geometry.invert(_T_OUR_PIXEL_TO_THEIRS))
    sides = np.append(np.linalg.norm(T[:3, :3], axis=0), 1.0)
    if (sides <= 0).any():
        raise ValueError(f"T_pixel_to_probe must have columns of length > 0, got {sides[:3]}")
    rigid = geometry.check_transform(T_pixel1_to_probe / sides, "T_pixel_to_probe without scale")
    blocks = ((SCALE_NAME, np.diag(sides)), (RIGID_NAME, rigid))
    lines = []
    for name, matrix in blocks:
        lines += [name, *(",".join(f"{value:.17g}" for value in row) for row in matrix)]
    return write_text(path, "\n".join(lines) + "\n")
