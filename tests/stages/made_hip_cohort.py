"""A simulated cohort of made hips, swept straight: measures and drift are known by construction.

The hip's frame is LPS about the middle of its head. Pictures of p_a sweeps are frontal sections
that go from back to front, those of p_d sweeps are cross-sections that go downwards. The motion
model goes too short a way by a known share, and the networks see what is there.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_hips import MadeHip
from made_straight_motion import straight
from study_folders import CHECKOUT, without_real_data

from hipus import geometry, parallel, paths, rotations, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.motion.preparation import thumbnails
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.stages import hip_cells, mask_volumes, motion_data, untracked_poses
from hipus.sweep import Sweep

ARM = "constant_imu"
SHAPE, SPACING_XY_MM = (34, 54), (0.8, 0.75)
STEP_MM, COUNT = 0.9, {"p_a": 32, "p_d": 46}
#: Of the volumes: coarse, for speed. Angles are good to some 3 deg then.
SPACING_MM = 1.1
#: Height of the pictures' middle above the head's: what sweeps pass from the wing to the femur.
HEIGHT_MM = 6.0
#: What the motion model finds of each step.
SHARE = 0.85
#: The frame that the tracker lost.
LOST = 5
SUBJECTS = [
    ("S001", "study", "train"),
    ("S046", "study", "validation"),
    ("S101", "test", "test"),
    ("S201", "training_only", "train"),
    ("S401", "dysplastic", "test"),
    ("S501", "repeats", "test"),
]
#: Subject, sweep, operator, variant.
SWEEPS = [
    ("S001", "left_p_a", "O11", "protocol"),
    ("S046", "left_p_d", "O11", "protocol"),
    ("S101", "left_p_a", "O11", "protocol"),
    ("S101", "left_p_d", "O11", "protocol"),
    ("S201", "right_p_d", "O12", "protocol"),
    ("S401", "right_p_d", "O12", "protocol"),
    ("S501", "left_p_a_O12_1", "O12", "repeat"),
]
TURNED, WITHOUT_MASKS = ("S401", "right_p_d"), "S201"
HIPS = {"S401": MadeHip(alpha_deg=48.0, coverage_percent=42.0)}
TURN = np.diag([-1.0, 1.0, -1.0, 1.0])
T_HIP_TO_REFERENCE = geometry.transform(
    rotations.from_rotation_vector([0.3, -0.2, 0.1]), np.array([20.0, 5.0, -30.0])
)


@dataclass(frozen=True)
class Made:
    """One sweep as it was made: pictures and truth as recorded, poses in the hip."""

    frames: np.ndarray
    masks: np.ndarray
    T_centre_to_hip: np.ndarray


def hip_of(subject: str, side: str) -> MadeHip:
    """Return a subject's hip."""
    return replace(HIPS.get(subject, MadeHip()), side=side)


def true_way(kind: str, side: str) -> np.ndarray:
    """Return T_centre_to_hip of a straight sweep, along the pictures' normal on right hips."""
    sign = 1 if side == "left" else -1
    down, medial, back = np.array([0, 0, -1.0]), np.array([-sign, 0, 0]), np.array([0, 1.0, 0])
    across = down if kind == "p_a" else back
    rotation = np.column_stack([across, medial, np.cross(across, medial)])
    away = -sign * STEP_MM * (np.arange(COUNT[kind]) - COUNT[kind] / 2)
    middle = HEIGHT_MM if kind == "p_a" else HEIGHT_MM + 1.0
    return geometry.transform(rotation, away[:, None] * rotation[:, 2] - middle * down)


def make_sweep(subject: str, side: str, kind: str, *, rng, is_turned: bool = False) -> Made:
    """Return a sweep of a made hip."""
    T = true_way(kind, side)
    v, u = np.mgrid[: SHAPE[0], : SHAPE[1]]
    pixels = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
    points = geometry.apply(geometry.compose(T, pixel_to_centre(SHAPE, SPACING_XY_MM)), pixels)
    points[..., 0] *= 1 if side == "left" else -1
    masks = hip_of(subject, side).labels_at(points).reshape(-1, *SHAPE)
    grey = np.array([90.0, 200, 30, 190, 180, 70])[masks] * rng.gamma(40, 1 / 40, masks.shape)
    frames = np.clip(grey, 1, 255).astype(np.uint8)
    if is_turned:
        frames, masks, T = frames[:, :, ::-1], masks[:, :, ::-1], geometry.compose(T, TURN)
    return Made(frames, masks, T)


def write_hip_cohort() -> Path:
    """Write the smoke profile's cohort, its truth and its table of sweeps."""
    rng, home, rows = np.random.default_rng(4), paths.results_dir("smoke") / "cohort", []
    (home / "truth").mkdir(parents=True)
    (home / "cohort.json").write_text('{"origin": "simulated"}')
    subjects = pd.DataFrame(SUBJECTS, columns=["subject_id", "cohort", "split"])
    subjects.assign(age_days=30).to_csv(home / "subjects.csv", index=False)
    for subject, *_ in SUBJECTS:
        _write_session(home, subject)
    for subject, name, operator, variant in SWEEPS:
        side, kind = name.split("_")[0], "_".join(name.split("_")[1:3])
        is_turned = (subject, name) == TURNED
        _write_sweep(
            home, (subject, name), make_sweep(subject, side, kind, rng=rng, is_turned=is_turned)
        )
        known = {"subject_id": subject, "sweep_id": name, "session_id": 1, "side": side}
        known |= {"sweep_type": kind, "operator_id": operator, "is_usable": 1}
        known |= {"trim_start": 1, "trim_stop": COUNT[kind] - 1}
        rows.append(known | {"truth_variant": variant, "truth_infant_moved_mm": 0.1})
    table = pd.DataFrame(rows)
    table.drop(columns=["truth_variant", "truth_infant_moved_mm"]).to_csv(
        home / "sweeps.csv", index=False
    )
    tables.write(table, paths.table_file("smoke", "cohort_sweeps"), key=SWEEP_KEY)
    tables.write(true_hips(), home / "truth" / "hips.csv", key=["subject_id", "side"])
    return home


def true_hips() -> pd.DataFrame:
    """Return what each hip was made with."""
    rows = []
    for subject, *_ in SUBJECTS:
        for side in ("left", "right"):
            hip, row = hip_of(subject, side), dict.fromkeys(hip_cells.MEASURES, 0.0)
            row |= {"alpha_deg": hip.alpha_deg, "head_radius_mm": hip.radius_mm}
            row |= {"femoral_head_coverage_percent": hip.coverage_percent}
            row |= {f"head_centre_{axis}_mm": 0.0 for axis in "xyz"}
            rows.append({"subject_id": subject, "side": side} | row)
    return pd.DataFrame(rows)


def _write_sweep(home: Path, key: tuple[str, str], made: Made) -> None:
    """Write one recorded sweep and what is true of it."""
    subject, name = key
    T_centre_to_image = pixel_to_centre(SHAPE, SPACING_XY_MM).copy()
    T_centre_to_image[:3] = np.eye(4)[:3]
    T_centre_to_image[:2, 3] = (np.array(SHAPE[::-1]) - 1) / 2 * SPACING_XY_MM
    T_image_to_hip = geometry.compose(made.T_centre_to_hip, geometry.invert(T_centre_to_image))
    tracked = geometry.compose(T_HIP_TO_REFERENCE, T_image_to_hip)
    tracked[LOST] = np.nan
    sweep = Sweep(
        made.frames, time_s=np.arange(len(made.frames)) / 10, T_probe_to_reference=tracked,
        T_pixel_to_probe=np.diag([*SPACING_XY_MM, 1.0, 1.0]), sweep_id=name,
    )  # fmt: skip
    metafile.write(home / subject / f"{name}.igs.mha", metafile.from_sweep(sweep))
    stem = home / "truth" / subject / name
    np.savez(stem.with_suffix(".npz"), T_image_to_hip=T_image_to_hip)
    if subject != WITHOUT_MASKS:
        truth = replace(sweep, frames=made.masks)
        metafile.write(stem.with_name(f"{name}_masks.igs.mha"), metafile.from_sweep(truth))


def _write_session(home: Path, subject: str) -> None:
    """Write a subject's session and the truth of it."""
    T_pixel_to_probe = np.diag([*SPACING_XY_MM, 1.0, 1.0]).tolist()
    session = {"is_tracked": True, "lag_s": 0.0, "poses_are_lag_corrected": True}
    session |= {"T_pixel_to_probe": T_pixel_to_probe}
    truth = {"T_pixel_to_probe": T_pixel_to_probe, "T_image_to_probe": np.eye(4).tolist()}
    for folder, content in ((home / subject, session), (home / "truth" / subject, truth)):
        folder.mkdir()
        (folder / "session_1.json").write_text(json.dumps(content))


def see_what_is_there(patch: pytest.MonkeyPatch) -> None:
    """Let both networks return the truth; where a sweep has none, they see nothing."""
    made = hip_cells.make_sweep_volume
    last = []

    def remembered(sweep, **options):
        last[:] = [made(sweep, **options)]
        return last[0]

    def seen_in_volume(study, model_id, grey) -> np.ndarray:
        assert np.array_equal(grey.array, np.rint(last[0].grey))
        return last[0].labels.get("truth", np.zeros(grey.array.shape, np.uint8))

    patch.setattr(hip_cells, "make_sweep_volume", remembered)
    patch.setattr(mask_volumes, "segment_volume", seen_in_volume)
    patch.setattr(mask_volumes, "segment_frames", lambda _, __, sweep: sweep.masks)


def opened_hips(folder: Path) -> Iterator[SimpleNamespace]:
    """Write the cohort into a study folder of its own; yield the study while patches last."""
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        (folder / "data").symlink_to(CHECKOUT / "data", target_is_directory=True)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        model = replace(
            straight(folder, step_mm=SHARE * STEP_MM), reference_pictures=usual_pictures()
        )
        patch.setattr(untracked_poses, "_model", lambda *_: model)
        see_what_is_there(patch)
        write_hip_cohort()
        yield hip_study()


def usual_pictures() -> dict[str, np.ndarray]:
    """Return the mean picture of each type of sweep, by which a turned probe is told."""
    rng = np.random.default_rng(2)
    made = {kind: make_sweep("S001", "right", kind, rng=rng).frames for kind in COUNT}
    return {
        kind: thumbnails(one, 24).astype(np.float32).mean(0) / 255 for kind, one in made.items()
    }


def hip_study() -> SimpleNamespace:
    """Return the settings that the stages read."""
    return SimpleNamespace(
        profile="smoke",
        common=SimpleNamespace(seed=5),
        sweep_volumes=SimpleNamespace(spacing_mm=SPACING_MM, widest_gap_mm=2.0),
        motion_volumes=SimpleNamespace(arms=(ARM, "another")),
        volume_labels=SimpleNamespace(refinement=2),
        hip_measures=SimpleNamespace(calibration_sweeps=2),
        hip_angles=SimpleNamespace(resamples=40),
    )


def row_of(study, subject: str, sweep: str) -> pd.Series:
    """Return the row of one sweep."""
    for variant in ("protocol", "repeat"):
        rows = motion_data.sweep_rows(study, variant=variant)
        rows = rows[(rows.subject_id == subject) & (rows.sweep_id == sweep)]
        if len(rows):
            return rows.iloc[0]
    raise KeyError(f"{subject}/{sweep}")
