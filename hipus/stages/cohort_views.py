"""What figures show of one subject of the cohort: frames, masks, anatomy, courses, trimming.

Decides which subject and which frames. Arrays are small: figures and notebooks read these and
never the cohort itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import geometry, images
from hipus.formats import metafile
from hipus.formats.cohort_layout import Cohort
from hipus.phantom.cohort.storage import SweepFiles, files_of
from hipus.sweep import Sweep
from hipus.sweep_cleaning import travel_pace

#: Frames of each volumetric sweep that are shown.
SHOWN = 5
#: The truth label volume is cut to this far from the head's centre, and not finer than this.
REACH_MM, FINEST_MM = 20.0, 0.5


@dataclass(frozen=True)
class SweepView:
    """One simulated sweep with its truth.

    Attributes
    ----------
    files : SweepFiles
    sweep : Sweep
        As reported.
    truth : dict of numpy.ndarray
        As `hipus.phantom.cohort.outputs.write_truth` names them.
    folder : pathlib.Path
    """

    files: SweepFiles
    sweep: Sweep
    truth: dict[str, np.ndarray]
    folder: Path

    @property
    def moving(self) -> slice:
        """Return the frames taken while the probe travelled, in truth."""
        return slice(*(int(end) for end in self.truth["informative"]))


def collect(cohort: Cohort, content: dict) -> dict[str, np.ndarray]:
    """Return the arrays that figures of the cohort show.

    Parameters
    ----------
    cohort : Cohort
    content : dict
        The stage's tables.

    Returns
    -------
    dict of str to numpy.ndarray
        Empty for a cohort without truth. `<name>_frames`, `<name>_masks` (n, H, W) uint8 and
        `<name>_index` for name graf, p_a, p_d; `pixel_side_mm`; `label_volume` (D, H, W)
        uint8 with `label_spacing_mm`, `label_origin_xyz_mm` (hip frame); `<name>_true_mm` and
        `<name>_reported_mm` (N, 3), courses of the picture's centre in the hip frame, NaN
        where no pose was reported; `trim_pace_mm_s`, `trim_time_s`, `trim_found`, `trim_true`.
    """
    chosen = _shown_subject(cohort, content["cohort_sweeps"][0])
    if chosen is None:
        return {}
    subject_id, side, session_id = chosen
    views = {name: _open(cohort, subject_id, f"{side}_{name}") for name in ("graf", "p_a", "p_d")}
    session = json.loads(_session_file(cohort, subject_id, session_id).read_text("utf-8"))
    arrays = {
        "subject_id": np.array(subject_id),
        "side": np.array(side),
        "pixel_side_mm": np.array(session["pixel_side_mm"]),
    }
    for name, view in views.items():
        arrays |= _frames(view, name, count=1 if name == "graf" else SHOWN)
    for name in ("p_a", "p_d"):
        arrays |= _courses(views[name], name, np.array(session["T_pixel_to_probe"]))
    return arrays | _labels(views["p_a"]) | _trimming(views["p_a"], content["cohort_sweeps"][0])


def _session_file(cohort: Cohort, subject_id: str, session_id: str) -> Path:
    return cohort.folder / subject_id / f"session_{session_id}.json"


def _shown_subject(cohort: Cohort, sweeps: pd.DataFrame) -> tuple[str, str, str] | None:
    """Return the first tracked subject whose side has all three sweeps, with truth masks."""
    for (subject_id, side), group in sweeps.groupby(["subject_id", "side"]):
        protocol = group[(group.truth_variant == "protocol") & group.path_mm.notna()]
        sweep_ids = [f"{side}_{name}" for name in ("graf", "p_a", "p_d")]
        has_all = set(sweep_ids) <= set(protocol.sweep_id) and protocol.is_usable.all()
        masks = cohort.folder / files_of(subject_id, sweep_ids[-1]).masks
        if has_all and masks.is_file():
            return subject_id, side, str(protocol.session_id.iloc[0])
    return None


def _open(cohort: Cohort, subject_id: str, sweep_id: str) -> SweepView:
    """Return a sweep with its truth."""
    files = files_of(subject_id, sweep_id)
    with np.load(cohort.folder / files.truth) as stored:
        truth = dict(stored)
    return SweepView(files, cohort.sweep(subject_id, sweep_id), truth, cohort.folder)


def _frames(view: SweepView, name: str, *, count: int) -> dict[str, np.ndarray]:
    """Return evenly spaced frames of the moving part, and what they show in truth."""
    ends = view.moving.start, view.moving.stop - 1
    index = np.rint(np.linspace(*ends, count + 2)[1:-1]).astype(int)
    masks = metafile.read(view.folder / view.files.masks).frames
    return {
        f"{name}_index": index,
        f"{name}_frames": np.asarray(view.sweep.frames[:])[index],
        f"{name}_masks": np.asarray(masks[:])[index],
    }


def _courses(view: SweepView, name: str, T_pixel_to_probe: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the picture's centre was, in truth and as reported.

    The reported course is laid into the hip at its first frame: what differs later is the
    tracker's error and what the infant moved against its marker.
    """
    height, width = view.sweep.frames.shape[1:]
    centre_px = np.array([[(width - 1) / 2, (height - 1) / 2, 0.0]])
    truth = view.truth
    T_reference_to_hip = geometry.relative(
        truth["T_hip_to_tracker"][0], truth["T_reference_to_tracker"][0]
    )
    T_probe_to_hip = geometry.relative(truth["T_hip_to_tracker"], truth["T_probe_to_tracker"])
    reported = geometry.compose(
        T_reference_to_hip, view.sweep.T_probe_to_reference, T_pixel_to_probe
    )
    true = geometry.compose(T_probe_to_hip, _true_calibration(view))
    return {
        f"{name}_true_mm": geometry.apply(true, centre_px)[:, 0],
        f"{name}_reported_mm": geometry.apply(reported, centre_px)[:, 0],
    }


def _true_calibration(view: SweepView) -> np.ndarray:
    """Return the true T_pixel_to_probe of a sweep's session."""
    folder = (view.folder / view.files.truth).parent
    number = 1  # the protocol's sweeps are all of the first session
    session = json.loads((folder / f"session_{number}.json").read_text("utf-8"))
    return np.array(session["T_pixel_to_probe"])


def _labels(view: SweepView) -> dict[str, np.ndarray]:
    """Return the full anatomy's labels about the head, thinned to `FINEST_MM`."""
    volume = images.read(view.folder / view.files.volume)
    spacing = np.array(volume.spacing_zyx_mm)
    stride = np.maximum(np.rint(FINEST_MM / spacing), 1).astype(int)
    origin_zyx = np.array(volume.origin_xyz_mm)[::-1]
    first = np.maximum(np.ceil((-REACH_MM - origin_zyx) / spacing), 0).astype(int)
    last = np.floor((REACH_MM - origin_zyx) / spacing).astype(int) + 1
    cut = tuple(slice(a, b, c) for a, b, c in zip(first, last, stride, strict=True))
    return {
        "label_volume": np.ascontiguousarray(volume.array[cut], dtype=np.uint8),
        "label_spacing_mm": spacing * stride,
        "label_origin_xyz_mm": (origin_zyx + first * spacing)[::-1],
    }


def _trimming(view: SweepView, sweeps: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the pace of a sweep, where it was trimmed, and where it truly moved."""
    subject_id, sweep_id = view.files.sweep.parts[0], view.files.sweep.name.split(".")[0]
    row = sweeps[(sweeps.subject_id == subject_id) & (sweeps.sweep_id == sweep_id)].iloc[0]
    return {
        "trim_pace_mm_s": travel_pace(view.sweep),
        "trim_time_s": np.asarray(view.sweep.time_s),
        "trim_found": np.array([row.trim_start, row.trim_stop]),
        "trim_true": np.array([view.moving.start, view.moving.stop]),
    }
