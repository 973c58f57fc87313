"""A tracked cohort with labelled frames in a moment: a ball, two bands and a lid, swept straight.

No infant and no physics: raters need pictures with edges where the labels end, and subjects of
every split. One sweep is recorded with the probe turned, one breaks a rule of quality.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import geometry, images, paths, rotations, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import write_mask
from hipus.labels import HipLabel
from hipus.sweep import Sweep

SHAPE, COUNT, SIDE_MM, STEP_MM = (44, 56), 14, 0.6, 1.3
#: What the cohort states: hesitation at both ends.
TRIM = slice(2, 13)
#: Subject, cohort, split, and whether it has 2D and 3D labels.
SUBJECTS = [
    ("S001", "study", "train", 1, 1),
    ("S002", "study", "train", 0, 1),
    ("S046", "study", "validation", 1, 1),
    ("S049", "study", "test", 1, 1),
    ("S101", "test", "test", 0, 0),
]
SWEEPS = [(side, kind) for side in ("left", "right") for kind in ("p_a", "p_d")]
UNUSABLE, TURNED = ("S002", "left_p_d"), ("S001", "right_p_a")
T_PROBE_TO_REFERENCE = geometry.transform(
    rotations.from_rotation_vector([0.3, -0.2, 0.1]), np.array([20.0, 5.0, -30.0])
)
TURN = np.diag([-1.0, 1.0, -1.0, 1.0])


def made_masks(rng) -> np.ndarray:
    """Return truth masks (N, H, W): everything lies left of the picture's middle."""
    z, v, u = np.meshgrid(
        STEP_MM * (np.arange(COUNT) - COUNT / 2), *(SIDE_MM * np.arange(size) for size in SHAPE),
        indexing="ij",
    )  # fmt: skip
    across, down, radius = rng.normal(10, 0.5), rng.normal(15, 0.5), rng.normal(7, 0.3)
    masks = np.zeros(z.shape, np.uint8)
    masks[(u - across) ** 2 + (v - down) ** 2 + z**2 < radius**2] = HipLabel.FEMORAL_HEAD
    masks[(np.abs(v - down + 9) < 1.0) & (u < 17)] = HipLabel.ILIUM
    masks[(np.abs(v - down - 9) < 1.0) & (u < 14)] = HipLabel.FEMORAL_CORTEX
    masks[(np.abs(u - across - 8) < 0.8) & (np.abs(v - down) < 4)] = HipLabel.CHONDRO_OSSEOUS_BORDER
    return masks


def made_frames(masks: np.ndarray, rng) -> np.ndarray:
    """Return pictures of the masks: bright bands, a dark ball, speckle."""
    grey = np.array([70.0, 190, 35, 150, 180, 70])[masks]
    return np.clip(grey * rng.gamma(16, 1 / 16, masks.shape), 1, 255).astype(np.uint8)


def _recorded(frames: np.ndarray, side: str, *, is_turned: bool) -> Sweep:
    """Return a straight sweep, recorded with the probe held turned where asked."""
    sign = -1 if side == "left" else 1
    along = np.column_stack([np.zeros((COUNT, 2)), sign * STEP_MM * np.arange(COUNT)])
    T = T_PROBE_TO_REFERENCE @ geometry.transform(None, along)
    return Sweep(
        frames[:, :, ::-1] if is_turned else frames,
        time_s=np.arange(COUNT) / 10,
        T_probe_to_reference=T @ TURN if is_turned else T,
        T_pixel_to_probe=np.diag([SIDE_MM, SIDE_MM, 1.0, 1.0]),
    )


def write_labelled_cohort() -> Path:
    """Write the smoke profile's cohort, its truth, its table and its sweep volumes."""
    rng, home, rows = np.random.default_rng(9), paths.results_dir("smoke") / "cohort", []
    (home / "truth").mkdir(parents=True)
    names = ["subject_id", "cohort", "split", "is_labelled_2d", "is_labelled_3d"]
    pd.DataFrame(SUBJECTS, columns=names).assign(is_tracked=1).to_csv(
        home / "subjects.csv", index=False
    )
    for subject, *_ in SUBJECTS:
        _write_session(home, subject)
        for side, kind in SWEEPS:
            key = (subject, f"{side}_{kind}")
            masks = made_masks(rng)
            frames = made_frames(masks, rng)
            _write_sweep(home, key, frames, masks, side=side)
            _write_volumes(key, frames, masks)
            known = dict(zip(SWEEP_KEY, key, strict=True)) | {"session_id": 1, "side": side}
            known |= {"sweep_type": kind, "is_usable": int(key != UNUSABLE)}
            rows.append(known | {"trim_start": TRIM.start, "trim_stop": TRIM.stop})
    table = pd.DataFrame(rows)
    table.to_csv(home / "sweeps.csv", index=False)
    quality = table.assign(truth_variant="protocol")
    tables.write(quality, paths.table_file("smoke", "cohort_sweeps"), key=SWEEP_KEY)
    return home


def _write_sweep(home: Path, key, frames, masks, *, side: str) -> None:
    """Write one recorded sweep and the labels of its frames, turned alike."""
    subject, name = key
    sweep = replace(_recorded(frames, side, is_turned=key == TURNED), sweep_id=name)
    metafile.write(home / subject / f"{name}.igs.mha", metafile.from_sweep(sweep))
    truth = replace(sweep, frames=masks[:, :, ::-1] if key == TURNED else masks)
    path = home / "truth" / subject / f"{name}_masks.igs.mha"
    metafile.write(path, metafile.from_sweep(truth))


def _write_volumes(key, frames, masks) -> None:
    """Write a sweep's volume with its truth, and priors: truth that jumps from slice to slice."""
    spacing = (STEP_MM, SIDE_MM, SIDE_MM)
    results, stem = paths.results_dir("smoke"), "_".join(key)
    home = results / "sweep_volumes"
    images.write(images.Volume(frames, spacing, (1.0, 2.0, 3.0)), home / f"{stem}_grey.mha")
    shifted = masks.copy()
    shifted[::2] = np.roll(masks[::2], (1, 2), (1, 2))
    written = {home / f"{stem}_truth.mha": masks}
    written |= {
        results / name / f"{stem}.mha": shifted for name in ("first_masks", "first_round_masks")
    }
    for path, array in written.items():
        volume = images.Volume(array, spacing, (1.0, 2.0, 3.0))
        write_mask(volume, path, scheme="hip", made_by="a test", origin="simulated")


def _write_session(home: Path, subject: str) -> None:
    """Write a subject's session."""
    session = {"is_tracked": True, "lag_s": 0.0, "poses_are_lag_corrected": True}
    session |= {"T_pixel_to_probe": np.diag([SIDE_MM, SIDE_MM, 1.0, 1.0]).tolist()}
    for folder in (home / subject, home / "truth" / subject):
        folder.mkdir()
    (home / subject / "session_1.json").write_text(json.dumps(session))
