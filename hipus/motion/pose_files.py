"""Predicted poses of one sweep as a file: table, arrays, or a sequence that others open.

Decides three forms by the file's ending. `.csv`: a row a frame, pose and its deviation. `.npz`:
what `predictions` reads, with deviations of steps and of poses. Sequence metafiles: the recorded
pictures with `ProbeToReferenceTransform` in each frame, to be put into a volume like a tracked
sweep; frames that were cut off are INVALID. Deliberately predicts and judges nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hipus import geometry, tables
from hipus.files import atomic_path
from hipus.formats import metafile, tusrec
from hipus.formats.sweep_fields import text
from hipus.motion.drift import AXES
from hipus.motion.poses import centre_poses, centre_to_probe
from hipus.motion.predictions import KEY, MATRIX, PosePrediction, read_prediction
from hipus.motion.tracking import UNNAMED, TrackedSweep
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.sweep import Sweep

SUFFIXES = (".csv", ".npz", *metafile.SUFFIXES)
#: Columns of the deviations of a pose, along and about the first frame's axes.
SD_MM, SD_DEG = (tuple(f"sd_{axis}_{unit}" for axis in AXES) for unit in ("mm", "deg"))
PREDICTED_BY, PREDICTED_SD_MM, PREDICTED_SD_DEG = (
    "PosesPredictedBy",
    "PredictedSdMm",
    "PredictedSdDeg",
)
_SCAN = ".h5"


def check_target(path, sweep: Sweep) -> None:
    """Raise if poses of a sweep cannot be written to a file of this name.

    Parameters
    ----------
    path : path-like
    sweep : Sweep

    Raises
    ------
    ValueError
        If no form has this ending, or the form needs a scale that the sweep has not.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: poses must end in one of {', '.join(SUFFIXES)}")
    is_scaled = sweep.T_pixel_to_probe is not None or sweep.pixel_spacing_xy_mm is not None
    if suffix in metafile.SUFFIXES and not is_scaled:
        raise ValueError(
            f"{path}: a sequence with poses needs the size of a pixel, and sweep "
            f"{sweep.sweep_id!r} has neither T_pixel_to_probe nor pixel_spacing_xy_mm; "
            "write .csv or .npz"
        )


def write(tracked: TrackedSweep, path, *, sweep: Sweep) -> Path:
    """Write predicted poses in the form that the ending names.

    Parameters
    ----------
    tracked : TrackedSweep
    path : path-like
        Ending in `.csv`, `.npz`, `.mha`, `.mhd` or `.nrrd`.
    sweep : Sweep
        The recorded sweep.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        As for `check_target`.
    """
    path = Path(path)
    check_target(path, sweep)
    if path.suffix.lower() == ".csv":
        return tables.write(pose_table(tracked), path, key=KEY)
    if path.suffix.lower() == ".npz":
        return _write_npz(tracked, path)
    return metafile.write(path, to_sequence(tracked, sweep))


def pose_table(tracked: TrackedSweep):
    """Return predicted poses as a table.

    Parameters
    ----------
    tracked : TrackedSweep

    Returns
    -------
    pandas.DataFrame
        A row a kept frame: subject_id, sweep_id, frame_index (in the recorded sweep), time_s,
        m00 to m23 (upper rows of T_centre_to_first, mm), sd_lateral_mm ... (position), and
        sd_lateral_deg ... (rotation about that axis).
    """
    import pandas as pd

    one = tracked.prediction
    columns = {
        "subject_id": one.subject_id,
        "sweep_id": one.sweep_id,
        "frame_index": np.arange(len(one)) + one.first_frame,
        "time_s": one.time_s,
        **dict(zip(MATRIX, one.T_centre_to_first[:, :3].reshape(len(one), 12).T, strict=True)),
        **dict(zip(SD_MM, tracked.sd_mm.T, strict=True)),
        **dict(zip(SD_DEG, tracked.sd_deg.T, strict=True)),
    }
    return pd.DataFrame(columns)


def to_sequence(tracked: TrackedSweep, sweep: Sweep) -> metafile.Sequence:
    """Return a recorded sweep with its predicted poses in the place of tracked ones.

    Parameters
    ----------
    tracked : TrackedSweep
    sweep : Sweep
        All recorded frames; calibrated, or with the size of a pixel.

    Returns
    -------
    Sequence
        `ProbeToReference` in every frame, INVALID where nothing is predicted. The reference is
        the image's centre in the first kept frame. Where the sweep is not calibrated the
        probe's frame is put at the image's centre too, and `ImageToProbeTransform` says so.
        The deviations of each pose stand in the frame fields `PredictedSdMm`, `PredictedSdDeg`.

    Raises
    ------
    ValueError
        As for `check_target`.
    """
    T_centre_to_probe = np.eye(4)
    T_pixel_to_probe = sweep.T_pixel_to_probe
    if T_pixel_to_probe is not None:
        T_centre_to_probe = centre_to_probe(sweep)
    else:
        T_pixel_to_probe = pixel_to_centre(sweep.frames.shape[1:], sweep.pixel_spacing_xy_mm)
    T = np.full((len(sweep), 4, 4), np.nan)
    kept = tracked.prediction.T_centre_to_first
    T[tracked.prediction.frames] = geometry.compose(kept, geometry.invert(T_centre_to_probe))
    posed = replace(
        sweep,
        T_probe_to_reference=T,
        is_valid=None,
        T_pixel_to_probe=T_pixel_to_probe,
        reference="reference",
    )
    sequence = metafile.from_sweep(posed)
    return replace(
        sequence,
        fields=sequence.fields | {PREDICTED_BY: f"{tracked.model} ({tracked.origin} training)"},
        frame_fields=_deviation_fields(tracked),
    )


def read(path, *, like: Sweep) -> PosePrediction:
    """Read predicted poses of one sweep from any of the forms.

    Parameters
    ----------
    path : path-like
        As `write` writes it, or a TUS-REC scan whose `tforms` are predicted.
    like : Sweep
        The same sweep with truth: its calibration brings the poses of a TUS-REC scan's tool
        to the image's centre.

    Returns
    -------
    PosePrediction

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it has no such form, is damaged, or holds several sweeps.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*SUFFIXES, _SCAN):
        raise ValueError(
            f"{path}: predicted poses of one sweep must end in one of "
            f"{', '.join((*SUFFIXES, _SCAN))}"
        )
    if suffix in (".csv", ".npz"):
        return read_prediction(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: no prediction to read")
    posed = tusrec.read(path) if suffix == _SCAN else metafile.read(path).to_sweep()
    if posed.T_pixel_to_probe is None:
        posed = replace(posed, T_pixel_to_probe=like.T_pixel_to_probe)
    return PosePrediction(
        UNNAMED, posed.sweep_id or UNNAMED, 0, centre_poses(posed), time_s=posed.time_s
    )


def _write_npz(tracked: TrackedSweep, path: Path) -> Path:
    """Write arrays: what `predictions` reads, and the deviations of poses beside it."""
    one = tracked.prediction
    content = {name: value for name, value in vars(one).items() if value is not None}
    content |= {"pose_sd_mm": tracked.sd_mm, "pose_sd_deg": tracked.sd_deg}
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **content)
    return path


def _deviation_fields(tracked: TrackedSweep) -> dict[str, tuple[str | None, ...]]:
    """Return the deviations of each pose as frame fields; none where none is stated."""
    before, after = (part.stop - part.start for part in tracked.trimmed)
    fields = {}
    for name, sd in ((PREDICTED_SD_MM, tracked.sd_mm), (PREDICTED_SD_DEG, tracked.sd_deg)):
        if np.isfinite(sd).all():
            stated = [text(row) for row in sd]
            fields[name] = (*[None] * before, *stated, *[None] * after)
    return fields
