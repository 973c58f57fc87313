"""A tracked cohort on disk in seconds: straight sweeps through speckle, with IMU and truth.

No infant and no physics: tests of stages that learn motion need sweeps whose pictures
decorrelate with the way, of enough subjects for every split.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from hipus import geometry, paths, rotations, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.motion.poses import MIRROR
from hipus.sweep import Imu, Sweep

SHAPE, COUNT = (40, 48), 18
PITCH_MM = 0.1
SPACING_MM = (0.5, 0.7)
GRAVITY = np.array([0.0, 9.81, 0.0])
#: Subject, cohort, split, variant of its sweeps.
SUBJECTS = [
    ("S001", "study", "train", "protocol"),
    ("S002", "study", "train", "protocol"),
    ("S201", "training_only", "train", "protocol"),
    ("S202", "training_only", "train", "protocol"),
    ("S046", "study", "validation", "protocol"),
    ("S101", "test", "test", "protocol"),
    ("S102", "test", "test", "protocol"),
    ("S601", "grid", "test", "grid"),
]
SWEEPS = (("left", "p_a"), ("right", "p_d"))
T_PROBE_TO_REFERENCE = geometry.transform(
    rotations.from_rotation_vector([0.4, -0.3, 0.2]), np.array([40.0, 10.0, -60.0])
)


def speckle(rng, z_mm: np.ndarray) -> np.ndarray:
    """Return frames (N, H, W) at elevational places of one block of texture."""
    count = int(z_mm[-1] / PITCH_MM) + 2
    noise = rng.standard_normal((count, *SHAPE)).astype(np.float32)
    block = gaussian_filter(noise, (5.0, 0.8, 1.0), mode="wrap")
    frames = 90 + 35 * block / block.std() + np.linspace(50, 0, SHAPE[1])
    return np.clip(frames, 0, 255).astype(np.uint8)[np.round(z_mm / PITCH_MM).astype(int)]


def felt(time_s: np.ndarray, rate_rad_s: np.ndarray, rng) -> Imu:
    """Return what a sensor feels that turns about the beam, which points along gravity."""
    times = np.arange(time_s[0] - 0.2, time_s[-1] + 0.2, 0.0125)
    step = np.clip(np.searchsorted(time_s, times, side="right") - 1, -1, len(rate_rad_s))
    turning = 1e-3 * rng.standard_normal((len(times), 3))
    turning[:, 1] += np.pad(rate_rad_s, 1)[step + 1]
    pulled = np.tile(GRAVITY, (len(times), 1)) + 0.02 * rng.standard_normal((len(times), 3))
    return Imu(times, turning, pulled, np.eye(4))


def recorded(rng, side: str, step_mm: float) -> tuple[Sweep, np.ndarray]:
    """Return a sweep and T_image_to_hip of its frames; no picture tells how it turns."""
    pace = step_mm * (1 + 0.15 * rng.standard_normal(COUNT - 1)).clip(0.4)
    z_mm = np.concatenate([[0.0], np.cumsum(pace)])
    turns = np.radians(0.4) * rng.standard_normal(COUNT - 1)
    beam = np.outer(np.concatenate([[0.0], np.cumsum(turns)]), [0.0, 1.0, 0.0])
    along = np.column_stack([np.zeros((COUNT, 2)), z_mm])
    T = geometry.transform(rotations.from_rotation_vector(beam), along)
    T_image_to_hip = MIRROR @ T @ MIRROR if side == "left" else T
    noise = geometry.transform(None, 0.05 * rng.standard_normal((COUNT, 3)))
    time_s = np.arange(COUNT) / 10
    sweep = Sweep(
        speckle(rng, z_mm),
        time_s=time_s,
        T_probe_to_reference=T_PROBE_TO_REFERENCE @ T_image_to_hip @ noise,
        T_pixel_to_probe=np.diag([*SPACING_MM, 1.0, 1.0]),
        imu=felt(time_s, 10 * turns * (-1 if side == "left" else 1), rng),
    )
    return sweep, T_image_to_hip


def write_motion_cohort() -> Path:
    """Write the smoke profile's cohort with its truth and its table of sweeps."""
    rng, home, rows = np.random.default_rng(5), paths.results_dir("smoke") / "cohort", []
    (home / "truth").mkdir(parents=True)
    columns = ["subject_id", "cohort", "split", "variant"]
    subjects = pd.DataFrame(SUBJECTS, columns=columns).drop(columns="variant")
    subjects.assign(is_tracked=1).to_csv(home / "subjects.csv", index=False)
    for subject, _, _, variant in SUBJECTS:
        _write_session(home, subject)
        for side, kind in SWEEPS:
            name, step_mm = f"{side}_{kind}", rng.uniform(0.4, 0.7) + 0.3 * (kind == "p_d")
            sweep, T_image_to_hip = recorded(rng, side, step_mm)
            sequence = metafile.from_sweep(replace(sweep, sweep_id=name))
            metafile.write(home / subject / f"{name}.igs.mha", sequence)
            np.savez(home / "truth" / subject / f"{name}.npz", T_image_to_hip=T_image_to_hip)
            known = {"subject_id": subject, "sweep_id": name, "session_id": 1, "side": side}
            rows.append(known | {"sweep_type": kind, "is_usable": 1} | _truth(variant, step_mm))
    table = pd.DataFrame(rows)
    plain = [name for name in table if not name.startswith("truth_")]
    table[plain].to_csv(home / "sweeps.csv", index=False)
    tables.write(table, paths.table_file("smoke", "cohort_sweeps"), key=SWEEP_KEY)
    return home


def _truth(variant: str, step_mm: float) -> dict:
    """Return the columns that only a simulation knows."""
    path_mm = step_mm * (COUNT - 1)
    found = {"truth_variant": variant, "truth_path_length_mm": path_mm}
    found |= {"truth_duration_s": COUNT / 10 + path_mm / 100, "truth_infant_motion": 1.0}
    return found | {"truth_infant_moved_mm": 0.1 * step_mm}


def _write_session(home: Path, subject: str) -> None:
    """Write a subject's session and the truth of it."""
    T_pixel = np.diag([*SPACING_MM, 1.0, 1.0]).tolist()
    session = {"is_tracked": True, "lag_s": 0.0, "poses_are_lag_corrected": True}
    session |= {"T_pixel_to_probe": T_pixel}
    truth = {"T_pixel_to_probe": T_pixel, "T_image_to_probe": np.eye(4).tolist()}
    for folder, content in ((home / subject, session), (home / "truth" / subject, truth)):
        folder.mkdir()
        (folder / "session_1.json").write_text(json.dumps(content))
