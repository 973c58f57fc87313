"""Sweeps in the layout of the TUS-REC challenges: one HDF5 file a scan, one calibration CSV.

Decides how the challenge's `frames` (N, H, W) and `tforms` (N, 4, 4; tracker tool to camera)
become a `Sweep` and back, and how landmarks become pixels of ours. Deliberately computes none
of the challenge's metrics and knows nothing of its folder names.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hipus import geometry
from hipus.files import atomic_path
from hipus.formats.tusrec_calibration import Calibration, read_calibration, write_calibration
from hipus.sweep import Sweep, check_times

log = logging.getLogger(__name__)

__all__ = ["Calibration", "Frames", "Landmarks", "read", "read_calibration", "read_landmarks"]
__all__ += ["write", "write_calibration"]

#: The challenge's files carry no time; its scans were recorded at 20 frames/s.
FRAME_RATE_HZ = 20.0
_MAX_FRAME_PX = 1 << 26
_MAX_FRAMES = 1 << 20
#: HDF5 inflates whole chunks: one frame must not cost more memory than this.
_MAX_CHUNK_BYTES = 1 << 30
_BLOCK_FRAMES = 16


class Frames:
    """Frames of a scan, read from the HDF5 file slice by slice.

    Parameters
    ----------
    path : path-like
        Opened for each slice only, so that thousands of sweeps can be held at once and sent
        to other processes.
    shape : tuple of int
        (N, H, W)
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, path: str | os.PathLike, shape: tuple[int, int, int]) -> None:
        """Remember where the frames are."""
        self.path, self.shape = Path(path), shape

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.shape[0]

    def __getitem__(self, key) -> np.ndarray:
        """Return frames of a slice, or one frame."""
        with _opened(self.path) as scan:
            return scan["frames"][key]


def read(
    path: str | os.PathLike,
    calibration: Calibration | str | os.PathLike | None = None,
    *,
    frame_rate_hz: float = FRAME_RATE_HZ,
    needs_poses: bool = True,
) -> Sweep:
    """Read one scan; its frames stay on disk until they are sliced.

    Parameters
    ----------
    path : path-like
        Scan, for example `000/RH_Per_L_DtP.h5`.
    calibration : Calibration or path-like, optional
        `calib_matrix.csv`. Left out: the sweep is uncalibrated.
    frame_rate_hz : float
        Used where the file holds no `time_s` (none of the challenge's does).
    needs_poses : bool
        False for a scan that nobody tracked: `tforms` are not looked at, every pose is NaN.

    Returns
    -------
    Sweep
        Poses are of the tool in the camera ("tracker"); NaN matrices are invalid.

    Raises
    ------
    FileNotFoundError
        If the scan is missing.
    ValueError
        If it is no HDF5 file, lacks a data set, points outside itself, disagrees with
        itself, or holds no valid pose; or if the frame rate is not positive.
    """
    path = Path(path)
    if not np.isfinite(frame_rate_hz) or frame_rate_hz <= 0:
        raise ValueError(f"frame_rate_hz must be positive, got {frame_rate_hz}")
    with _opened(path) as scan:
        shape = _checked_shape(scan, path)
        poses = np.full((shape[0], 4, 4), np.nan)
        if needs_poses:
            poses = _checked_poses(scan, path, count=shape[0])
        time_s = np.arange(shape[0]) / frame_rate_hz
        if "time_s" in scan:
            time_s = _numbers(scan, "time_s", path, shape=shape[:1])
    if calibration is not None and not isinstance(calibration, Calibration):
        calibration = read_calibration(calibration)
    return Sweep(
        frames=Frames(path, shape),
        time_s=check_times(time_s, f"{path.name}: time_s"),
        T_probe_to_reference=poses,
        T_pixel_to_probe=None if calibration is None else calibration.T_pixel_to_probe,
        reference="tracker",
        sweep_id=path.stem,
    )


@contextmanager
def _opened(path: Path) -> Iterator:
    """Open a file for reading; whatever HDF5 says of a damaged one names the file."""
    import h5py

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such TUS-REC scan")
    try:
        with h5py.File(path, "r") as scan:
            yield scan
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        if isinstance(error, ValueError) and path.name in str(error):
            raise  # one of ours
        raise ValueError(f"{path.name} is no readable HDF5 file: {error}") from error


def _dataset(scan, name: str, path: Path):
    """Return a data set that lies in the file itself, neither linked nor stored elsewhere."""
    import h5py

    if name not in scan:
        raise ValueError(f"{path.name} must hold the data set {name!r}, has {[*scan]}")
    link = scan.get(name, getlink=True)
    found = scan[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise ValueError(f"{path.name}: {name!r} must be a data set stored in the file itself")
    return found


def _numbers(scan, name: str, path: Path, *, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return a data set of numbers as float64 after checking its shape (None: any length)."""
    found = _dataset(scan, name, path)
    is_shape = len(found.shape) == len(shape) and found.shape[1:] == shape[1:]
    if not is_shape or shape[0] not in (None, found.shape[0]):
        wanted = str(shape).replace("None", "M")
        raise ValueError(f"{path.name}: {name} must be {wanted}, got {found.shape}")
    if found.dtype.kind not in "fiu":
        raise ValueError(f"{path.name}: {name} must be numbers, got {found.dtype}")
    return found[()].astype(np.float64)


def _checked_shape(scan, path: Path) -> tuple[int, int, int]:
    """Return the shape of the frames."""
    frames = _dataset(scan, "frames", path)
    shape = tuple(int(side) for side in frames.shape)
    if len(shape) != 3 or 0 in shape:
        raise ValueError(f"{path.name}: frames must be (N, H, W), none of them 0, got {shape}")
    if frames.dtype != np.uint8:
        raise ValueError(f"{path.name}: frames must be uint8, got {frames.dtype}")
    if shape[0] > _MAX_FRAMES:
        raise ValueError(f"{path.name}: a scan must be <= {_MAX_FRAMES} frames, got {shape[0]}")
    if shape[1] * shape[2] > _MAX_FRAME_PX:
        raise ValueError(f"{path.name}: a frame must be <= {_MAX_FRAME_PX} px, got {shape[1:]}")
    chunk_bytes = int(np.prod(frames.chunks or 1, dtype=object))
    if chunk_bytes > _MAX_CHUNK_BYTES:
        raise ValueError(
            f"{path.name}: a chunk of frames must be <= {_MAX_CHUNK_BYTES} bytes, got {chunk_bytes}"
        )
    return shape


def _checked_poses(scan, path: Path, *, count: int) -> np.ndarray:
    """Return the poses as float64, NaN where a matrix holds a NaN."""
    poses = _numbers(scan, "tforms", path, shape=(count, 4, 4))
    is_invalid = np.isnan(poses).any(axis=(1, 2))
    if is_invalid.all():
        raise ValueError(f"{path.name}: tforms must hold a valid pose, got {count} of NaN")
    poses[is_invalid] = np.nan
    return geometry.check_transform(poses, f"{path.name}: tforms", allow_nan=True)


def write(sweep: Sweep, path: str | os.PathLike, *, dtype=np.float32) -> Path:
    """Write a sweep as a scan, frame block by frame block.

    Parameters
    ----------
    sweep : Sweep
        Every pose must be valid: the layout cannot say which are not.
    path : path-like
        Target, ending in `.h5`.
    dtype : numpy dtype
        Of `tforms`. float32 is what the challenge's own code multiplies without an error; it
        rounds a position 500 mm away by 3e-5 mm.

    Returns
    -------
    pathlib.Path
        The written file; `write_calibration` writes the other half.

    Raises
    ------
    ValueError
        If poses are invalid.

    Notes
    -----
    An extra data set `time_s`, ignored by the challenge's code, keeps the times. An IMU log is
    not kept.
    """
    import h5py

    invalid = int((~sweep.is_valid).sum())
    if invalid:
        raise ValueError(
            f"TUS-REC scans hold valid poses only, got {invalid} of {len(sweep)} frames invalid: "
            "cut them off with Sweep.select"
        )
    if sweep.imu is not None:
        log.warning("%s: TUS-REC has no place for an IMU log, left out", sweep.sweep_id)
    shape = tuple(sweep.frames.shape)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as scan:
        frames = scan.create_dataset("frames", shape, np.uint8, chunks=(1, *shape[1:]))
        for part, block in sweep.blocks(_BLOCK_FRAMES):
            frames[part] = block
        scan["tforms"] = sweep.T_probe_to_reference.astype(dtype)
        scan["time_s"] = sweep.time_s
    return Path(path)


@dataclass(frozen=True)
class Landmarks:
    """Points marked in a scan.

    Attributes
    ----------
    frame_index : numpy.ndarray (M,) int
        Counted from 0.
    uv_px : numpy.ndarray (M, 2) float64
        Pixels counted from 0, u right, v down.
    """

    frame_index: np.ndarray
    uv_px: np.ndarray


def read_landmarks(path: str | os.PathLike, scan_name: str) -> Landmarks:
    """Read the landmarks of one scan from `landmark_<subject>.h5`.

    Parameters
    ----------
    path : path-like
    scan_name : str
        Data set in it, for example `"RH_Per_L_DtP"`.

    Returns
    -------
    Landmarks

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If the file is no HDF5, or the scan is not in it or not (M, 3): frame (counted from
        0), x, y (counted from 1).
    """
    path = Path(path)
    with _opened(path) as subject:
        points = _numbers(subject, scan_name, path, shape=(None, 3))
    index = points[:, 0]
    if not np.isfinite(points).all() or (index < 0).any() or (index != np.floor(index)).any():
        raise ValueError(f"{path.name}: {scan_name} must be whole frames >= 0 and finite x, y")
    return Landmarks(index.astype(int), points[:, 1:] - 1.0)
