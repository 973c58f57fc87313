"""What the files of one simulated sweep hold: what a hospital would have, and the truth.

Decides contents and units. Deliberately decides no place (see `storage`).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hipus import geometry, images
from hipus.files import write_text
from hipus.formats import metafile, sweep_fields
from hipus.formats.cohort_layout import TRUTH, session_file
from hipus.formats.sequence import OK, Sequence, TransformTrack
from hipus.phantom.acquisition.recorded import RecordedPoses
from hipus.phantom.acquisition.session import Session
from hipus.phantom.acquisition.tracking import MarkerTrack, TrackingStatus
from hipus.phantom.cohort.plan import SubjectPlan
from hipus.sweep import Sweep

#: Name of the label scheme, stated with every mask.
LABEL_SCHEME = "hip"


def write_session(folder: Path, plan: SubjectPlan, session_id: int, session: Session) -> None:
    """Write what a hospital knows of a session, and the truth of it apart.

    Parameters
    ----------
    folder : pathlib.Path
    plan : SubjectPlan
    session_id : int
    session : Session
    """
    shape = plan.settings.shape_px
    known = {
        "is_tracked": bool(plan.subject["is_tracked"]),
        "lag_s": session.lag_calibrated_s,
        "poses_are_lag_corrected": True,
        "T_pixel_to_probe": pixel_to_probe(session, shape).tolist(),
        "frame_rate_hz": session.frame_rate_hz,
        "depth_mm": session.depth_mm,
        "pixel_side_mm": session.pixel_side_mm(shape[0]),
        "gain_db": session.gain_db,
    }
    if not known["is_tracked"]:
        known |= {"lag_s": None, "T_pixel_to_probe": None}
    truth = {
        "lag_s": session.lag_s,
        "T_pixel_to_probe": pixel_to_probe(session, shape, is_true=True).tolist(),
        "T_image_to_probe": session.T_image_to_probe.tolist(),
        "T_imu_to_probe": session.T_imu_to_probe.tolist(),
    }
    for root, content in ((folder, known), (folder / TRUTH, truth)):
        path = session_file(root, plan.subject_id, session_id)
        write_text(path, json.dumps(content, indent=1) + "\n")


def pixel_to_probe(session: Session, shape_px, *, is_true: bool = False) -> np.ndarray:
    """Return T_pixel_to_probe (4, 4), as calibrated or as it truly is."""
    T = session.T_image_to_probe if is_true else session.T_image_to_probe_calibrated
    return geometry.compose(T, session.T_pixel_to_image(tuple(shape_px)))


def to_sequence(sweep: Sweep, recorded: RecordedPoses, *, is_tracked: bool) -> Sequence:
    """Return the sequence file that a hospital's recorder would write.

    Parameters
    ----------
    sweep : Sweep
        As reported.
    recorded : RecordedPoses
    is_tracked : bool
        False leaves poses, statuses and calibration out.

    Returns
    -------
    Sequence
        ProbeToTracker and ReferenceToTracker at the images' times, the calibrated lag undone.
    """
    fields = sweep_fields.fields_of(sweep)
    transforms = {}
    if is_tracked:
        stream = recorded.at_images()
        transforms = {
            "ProbeToTracker": _track(stream.probe),
            "ReferenceToTracker": _track(stream.reference),
        }
    else:
        del fields[sweep_fields.CALIBRATION]
    return Sequence(
        frames=sweep.frames,
        time_s=sweep.time_s,
        transforms=transforms,
        image_status=(OK,) * len(sweep),
        fields={"DataOrigin": "simulated"} | fields,
        source=f"sweep {sweep.sweep_id!r}",
    )


def _track(marker: MarkerTrack) -> TransformTrack:
    """Return a marker as PLUS writes it: an identity where it was not seen."""
    matrices = np.where(marker.is_valid[:, None, None], marker.T_marker_to_tracker, np.eye(4))
    return TransformTrack(matrices, tuple(TrackingStatus(code).name for code in marker.status))


def write_sequence(path: Path, sequence: Sequence) -> None:
    """Write a sequence file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metafile.write(path, sequence)


def write_masks(path: Path, masks: np.ndarray, sweep: Sweep) -> None:
    """Write the labels of what each frame shows, beside the frame's time.

    Parameters
    ----------
    path : pathlib.Path
    masks : numpy.ndarray (N, H, W) uint8
    sweep : Sweep
        Whose masks they are.
    """
    fields = {"DataOrigin": "simulated", "LabelScheme": LABEL_SCHEME, "SweepId": sweep.sweep_id}
    sequence = Sequence(
        frames=masks,
        time_s=sweep.time_s,
        transforms={},
        image_status=(OK,) * len(sweep),
        fields=fields,
        image_type="",
    )
    write_sequence(path, sequence)


def write_truth(path: Path, recorded: RecordedPoses) -> None:
    """Write where probe, hip and marker truly were, one array per name.

    Parameters
    ----------
    path : pathlib.Path
        Ending in `.npz`.
    recorded : RecordedPoses
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        time_s=recorded.time_s,
        T_image_to_hip=recorded.T_image_to_hip,
        T_hip_to_tracker=recorded.T_hip_to_tracker,
        T_reference_to_tracker=recorded.T_reference_to_tracker,
        T_probe_to_tracker=recorded.T_probe_to_tracker,
        contact=recorded.contact.astype(np.float32),
        informative=np.array([recorded.informative.start, recorded.informative.stop]),
    )


def write_volume(path: Path, labeller, scene, *, spacing_mm: float) -> None:
    """Write the full anatomy's labels in the hip frame, over the scene's extent.

    Parameters
    ----------
    path : pathlib.Path
    labeller : callable
        Points (M, 3) to labels (M,).
    scene : Scene
        Gives the extent.
    spacing_mm : float
    """
    shape = np.array(scene.fields.shape[:0:-1])
    counts = (np.floor((shape - 1) * scene.spacing_mm / spacing_mm + 1e-6) + 1).astype(int)
    x, y, z = (
        start + spacing_mm * np.arange(count)
        for start, count in zip(scene.origin_xyz_mm, counts, strict=True)
    )
    labels = np.empty((len(z), len(y), len(x)), np.uint8)
    for index, height in enumerate(z):
        grid = np.meshgrid(y, x, indexing="ij")
        points = np.stack([grid[1].ravel(), grid[0].ravel(), np.full(grid[0].size, height)], 1)
        labels[index] = labeller(points).reshape(len(y), len(x))
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(images.Volume(labels, (spacing_mm,) * 3, scene.origin_xyz_mm), path)
