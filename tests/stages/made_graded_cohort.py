"""The made labelled cohort with sweeps that nobody labelled, and a network that is none.

Further infants of the first centre, one dysplastic, one under provoked motion, one of a centre
without a tracker, and predicted poses of the test-only infant: true for three sweeps, half as
long for one.
"""

import json
from types import SimpleNamespace

import made_labelled_cohort
import numpy as np
import pandas as pd
from made_labelled_cohort import SUBJECTS, TRIM, write_labelled_cohort
from scipy.ndimage import gaussian_filter

from hipus import paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.labels import HipLabel
from hipus.motion import poses
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.stages import mask_volumes, model_masks, motion_data, sweep_volumes
from hipus.stages.motion_volumes import predictions_dir

ARM = "constant_imu"
#: What a grid of 1.2 mm still shows of bands of 2 mm.
SPACING_MM = 1.2
FURTHER = [
    ("S201", "training_only", "train", 0, 0),
    ("S202", "training_only", "train", 0, 0),
    ("S301", "centre2", "test", 0, 0),
    ("S401", "dysplastic", "test", 0, 0),
    ("S601", "grid", "test", 0, 0),
]
#: The test-only sweep whose predicted path is half the true one.
SHORT = ("S101", "right_p_d")
UNTRACKED = "S301"


def graded_study(**sizes) -> SimpleNamespace:
    """Return the settings that the stage reads."""
    return SimpleNamespace(
        profile="smoke",
        common=SimpleNamespace(seed=5),
        sweep_volumes=SimpleNamespace(spacing_mm=SPACING_MM, widest_gap_mm=2.0),
        motion_volumes=SimpleNamespace(arms=(ARM, "another")),
        volume_grades=SimpleNamespace(**({"sweeps": 100, "resamples": 40} | sizes)),
    )


class Segments:
    """Labels what a made picture shows: a dark ball, a bright lid beside it, bands around."""

    def segment_volume(self, volume, *, spacing_zyx_mm) -> np.ndarray:
        """Return labels by grey value and place, (D, H, W) uint8."""
        grey = gaussian_filter(volume.astype(np.float32), 0.6)
        labels = np.zeros(volume.shape, np.uint8)
        dark = (grey < 50) & (volume > 0)
        labels[dark] = HipLabel.FEMORAL_HEAD
        middle = np.argwhere(dark).mean(axis=0)[1]
        bright = np.argwhere(grey > 120)
        above_mm = (bright[:, 1] - middle) * spacing_zyx_mm[1]
        named = np.full(len(bright), HipLabel.CHONDRO_OSSEOUS_BORDER)
        named[above_mm < -6.5], named[above_mm > 6.5] = HipLabel.ILIUM, HipLabel.FEMORAL_CORTEX
        labels[tuple(bright.T)] = named
        return labels


def write_graded_cohort(patch) -> SimpleNamespace:
    """Write the smoke profile's cohort, volumes, masks, predictions; return the study."""
    patch.setattr(made_labelled_cohort, "SUBJECTS", SUBJECTS + FURTHER)
    patch.setattr(mask_volumes, "segmenter", lambda *_: Segments())
    home, study = write_labelled_cohort(), graded_study()
    (home / "cohort.json").write_text('{"origin": "simulated"}')
    subjects = pd.read_csv(home / "subjects.csv", dtype={"subject_id": str})
    subjects["centre"] = 1 + (subjects.subject_id == UNTRACKED)
    subjects.to_csv(home / "subjects.csv", index=False)
    session = home / UNTRACKED / "session_1.json"
    session.write_text(json.dumps(json.loads(session.read_text()) | {"is_tracked": False}))
    _tell_variants()
    sweep_volumes.main(study)
    _write_masks(study)
    _predict(study)
    folder = mask_volumes.model_dir("smoke", "3.2")
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    return study


def _tell_variants() -> None:
    """Say which sweeps were provoked, and which probes were truly turned."""
    path = paths.table_file("smoke", "cohort_sweeps")
    table = tables.read(path, dtype=dict.fromkeys(SWEEP_KEY, str))
    turned = table[SWEEP_KEY].apply(tuple, axis=1) == made_labelled_cohort.TURNED
    table["truth_is_flipped"] = turned.astype(int)
    table["truth_variant"] = np.where(table.subject_id == "S601", "grid", "protocol")
    tables.write(table, path, key=SWEEP_KEY)


def _write_masks(study) -> None:
    """Let the made network label the test volumes, as stage model_masks does."""
    folder = model_masks.masks_dir("smoke") / "3.2"
    folder.mkdir(parents=True)
    for row in model_masks.cases_of(study).itertuples():
        grey = mask_volumes.read_grey(study, row)
        labels = mask_volumes.segment_volume(study, "3.2", grey)
        path = mask_volumes.mask_file(folder, row)
        mask_volumes.write_on(grey, labels, path, made_by="x", row=row, origin="simulated")


def _predict(study) -> None:
    """Write predictions of the test-only sweeps."""
    cohort, found = motion_data.cohort_of(study), []
    for row in motion_data.sweep_rows(study, cohort="test").itertuples():
        T = poses.centre_poses(cohort.sweep(row.subject_id, row.sweep_id))[TRIM]
        if (row.subject_id, row.sweep_id) == SHORT:
            steps = poses.steps(T)
            steps[:, :3, 3] /= 2
            T = poses.chain(steps)
        found.append(PosePrediction(row.subject_id, row.sweep_id, TRIM.start, T))
    write_predictions(found, predictions_dir("smoke", ARM))
