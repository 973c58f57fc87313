"""Real tracked recordings on which motion is predicted: which, cut to what, and how they differ.

Decides the public recordings with frames, poses and a calibration of their own, the part of
their pictures that shows ultrasound, and which way each goes. No stage of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hipus import config, geometry, paths, tables
from hipus.calibration.plus_results import read_plus_results
from hipus.formats import metafile, plus_config
from hipus.motion.poses import centre_poses, steps
from hipus.reconstruction import plus_reference
from hipus.reconstruction.region import ImageRegion
from hipus.stages import calibration, motion_data, reconstruction
from hipus.sweep import Sweep

TRAINING = "simulated cohort, training sweeps"


@dataclass(frozen=True)
class Recording:
    """A public tracked recording.

    Attributes
    ----------
    name : str
    content : str
        What its pictures show.
    sequence, calibration : str
        Manifest paths: frames and poses; the file with the picture's place in the probe.
    region : ImageRegion
        The part of the frames that shows ultrasound.
    """

    name: str
    content: str
    sequence: str
    calibration: str
    region: ImageRegion


#: Left, right, above and below of the wires' pictures the screen is black.
WATER = ImageRegion(164, 12, 491, 587)
#: The first is the one that the study reports on.
RECORDINGS = (
    Recording(
        "spine phantom",
        "spine phantom, one sweep one way",
        plus_reference.SEQUENCE,
        reconstruction.CALIBRATION,
        reconstruction.SONOGRAM,
    ),
    *(
        Recording(
            f"N-wires, {name}",
            "wires in water without speckle, to and fro",
            sequence,
            calibration.RESULTS,
            WATER,
        )
        for name, sequence in (
            ("validation", calibration.VALIDATION),
            ("calibration", calibration.CALIBRATION),
        )
    ),
)


def files_of(recordings: Iterable[Recording]) -> list[str]:
    """Return the manifest paths that recordings need, sorted."""
    return sorted({name for one in recordings for name in (one.sequence, one.calibration)})


def read(recording: Recording, found: Mapping[str, Path]) -> Sweep:
    """Read a recording, calibrated and cut to its sonogram.

    Parameters
    ----------
    recording : Recording
    found : mapping of str to Path
        Local files by manifest path.

    Returns
    -------
    Sweep
    """
    T_pixel_to_probe = _calibration(found[recording.calibration])
    sequence = metafile.read(found[recording.sequence])
    sweep = sequence.to_sweep(T_pixel_to_probe=T_pixel_to_probe, sweep_id=recording.name)
    return cut(sweep, recording.region)


def _calibration(path: Path) -> np.ndarray:
    """Return T_pixel_to_probe of a PLUS configuration or of fCal's report."""
    if path.name.endswith(".results.xml"):
        return read_plus_results(path).T_pixel_to_probe
    return plus_config.read_transform(path, "Image", "Probe")


def cut(sweep: Sweep, region: ImageRegion) -> Sweep:
    """Cut the frames of a sweep to a rectangle; the pixels stay where they are in space.

    Parameters
    ----------
    sweep : Sweep
        Calibrated.
    region : ImageRegion
        Within the frames.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If the rectangle does not fit into the frames, or the sweep is not calibrated.
    """
    if sweep.T_pixel_to_probe is None:
        raise ValueError(f"sweep {sweep.sweep_id!r} has no T_pixel_to_probe to move along")
    rows, columns = sweep.frames.shape[1:]
    bottom, right = region.v_px + region.height_px, region.u_px + region.width_px
    if bottom > rows or right > columns:
        raise ValueError(
            f"region must fit into the {rows} x {columns} px of sweep {sweep.sweep_id!r}, "
            f"got rows up to {bottom} and columns up to {right}"
        )
    frames = np.asarray(sweep.frames[:])[:, region.v_px : bottom, region.u_px : right]
    corner = geometry.transform(None, np.array([region.u_px, region.v_px, 0.0]))
    return replace(sweep, frames=frames, T_pixel_to_probe=sweep.T_pixel_to_probe @ corner)


def direction(sweep: Sweep) -> str:
    """Return the side of a hip whose sweeps go the same way along the picture's normal.

    Parameters
    ----------
    sweep : Sweep
        Tracked and calibrated.

    Returns
    -------
    {"left", "right"}
        Left hips are swept towards -z. Told, not predicted: in the cohort the side is known.
    """
    return "left" if np.nansum(steps(centre_poses(sweep))[:, 2, 3]) < 0 else "right"


def training(study: config.Study) -> dict[str, object]:
    """Return what the models were trained on, as `motion_transfer_recordings` shows it.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict
        Means over the training sweeps; the picture is that of the first of them.
    """
    key = ["subject_id", "sweep_id"]
    table = tables.read(
        paths.table_file(study.profile, "cohort_sweeps"), dtype=dict.fromkeys(key, str)
    )
    chosen = motion_data.sweep_rows(study, split="train")[key]
    rows = chosen.merge(table, on=key)
    first = motion_data.cohort_of(study).sweep(*chosen.iloc[0])
    count, height, width = first.frames.shape
    width_mm, height_mm = np.multiply(first.pixel_spacing_xy_mm, (width, height))
    return {
        "recording": TRAINING,
        "content": "simulated neonatal hips, one sweep one way",
        "frames": rows["frame_count"].mean(),
        "rows_px": height,
        "columns_px": width,
        "width_mm": width_mm,
        "height_mm": height_mm,
        "duration_s": rows["duration_s"].mean(),
        "rate_hz": ((rows["frame_count"] - 1) / rows["duration_s"]).mean(),
        "path_mm": rows["path_mm"].mean(),
        "frame_spacing_mm": (rows["path_mm"] / (rows["frame_count"] - 1)).median(),
    }
