"""Stage `sweep_volumes`: the volumes that 3D networks see, and what was insonified in them.

Makes the volume of every usable, tracked p_a and p_d sweep of the subjects with 3D labels and of
the test-only cohort, and the label volume of its truth on the same grid by the same poses: the
primary truth in 3D, independent of any rater. A hospital's cohort has volumes without truth; all
of its sweeps count, unless it says which subjects are labelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, images, paths, tables
from hipus.formats.cohort_layout import SUBJECTS, SWEEP_KEY, SWEEPS, Cohort
from hipus.formats.mask_files import write_mask
from hipus.labels import HipLabel
from hipus.parallel import map_cases
from hipus.reconstruction.label_volumes import SweepVolume
from hipus.segmentation.structure_shape import STRUCTURES
from hipus.segmentation.sweep_volumes import TRUTH_LABELS, make_sweep_volume, open_study_sweep
from hipus.stages import motion_data, runner

STAGE = "sweep_volumes"
#: Sets of voxels whose grey values the table describes.
GREYS = ("all", "known", "labelled")
COLUMNS = [
    *(*SWEEP_KEY, "side", "sweep_type", "cohort", "split", "frame_count", "first_frame"),
    *("is_flipped", "size_z", "size_y", "size_x", "spacing_mm", "known_share"),
    *(f"{label.name.lower()}_voxels" for label in STRUCTURES),
    *(f"grey_{value}_{where}" for where in GREYS for value in ("mean", "sd")),
]


@dataclass(frozen=True)
class Case:
    """One sweep.

    Attributes
    ----------
    subject_id, sweep_id, side, sweep_type, cohort, split : str
    trim_start, trim_stop : float
        Frames that count; NaN where the cohort does not say.
    """

    subject_id: str
    sweep_id: str
    side: str
    sweep_type: str
    cohort: str
    split: str
    trim_start: float
    trim_stop: float

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.subject_id}/{self.sweep_id}"


def main(study: config.Study) -> Iterable[Path]:
    """Write volumes, table and metrics; return the inputs."""
    cohort = motion_data.cohort_of(study)
    folder = volumes_dir(study.profile)
    folder.mkdir(parents=True, exist_ok=True)
    make = partial(write_volume, cohort=cohort, folder=folder, sizes=study.sweep_volumes)
    rows = map_cases(make, cases_of(study), progress="sweep volumes")
    table = pd.DataFrame(rows, columns=COLUMNS)
    runner.write_tables(study, {STAGE: (table, SWEEP_KEY)})
    tables.write_metrics(make_metrics(table), paths.metrics_file(study.profile, STAGE))
    return [cohort.folder / SUBJECTS, cohort.folder / SWEEPS]


def volumes_dir(profile: str) -> Path:
    """Return `results/<profile>/sweep_volumes`."""
    return paths.results_dir(profile) / "sweep_volumes"


def grey_file(folder: Path, subject_id: str, sweep_id: str) -> Path:
    """Return where a sweep's grey values lie: uint8, 0 where nothing is known."""
    return Path(folder) / f"{subject_id}_{sweep_id}_grey.mha"


def truth_file(folder: Path, subject_id: str, sweep_id: str) -> Path:
    """Return where the truth of a sweep's volume lies, if the cohort has any."""
    return Path(folder) / f"{subject_id}_{sweep_id}_truth.mha"


def cases_of(study: config.Study) -> list[Case]:
    """Return the sweeps that get a volume.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of Case
        By subject and sweep.
    """
    rows = motion_data.sweep_rows(study, is_needed=False)
    if "is_labelled_3d" in rows:
        has_labels = rows.is_labelled_3d.fillna(0).astype(bool)
        rows = rows[has_labels | (rows.cohort == motion_data.TEST_COHORT)]
    names = Case.__dataclass_fields__
    rows = rows.reindex(columns=list(names))  # trim_start and trim_stop may not be there
    return [Case(**row) for row in rows.to_dict("records")]


def write_volume(
    case: Case, *, cohort: Cohort, folder: Path, sizes: config.SweepVolumes
) -> dict[str, object]:
    """Make and write one sweep's volume and its truth.

    Parameters
    ----------
    case : Case
    cohort : Cohort
    folder : path-like
    sizes : hipus.config.SweepVolumes
        spacing_mm, widest_gap_mm.

    Returns
    -------
    dict
        The sweep's row, see `COLUMNS`. Grey values are those written; of "labelled" voxels,
        and their numbers, NaN without truth.
    """
    sweep = open_study_sweep(cohort, case)
    made = make_sweep_volume(sweep, spacing_mm=sizes.spacing_mm, widest_gap_mm=sizes.widest_gap_mm)
    grey = np.rint(made.grey).astype(np.uint8)
    key = (case.subject_id, case.sweep_id)
    images.write(made.placed(grey), grey_file(folder, *key))
    truth = made.labels.get(TRUTH_LABELS)
    if truth is not None:
        write_mask(
            made.placed(truth), truth_file(folder, *key), scheme="hip", made_by="truth",
            of=str(case), origin=cohort.origin,
        )  # fmt: skip
    row = {name: getattr(case, name) for name in COLUMNS[:6]}
    row |= {"frame_count": int(sweep.is_valid.sum()), "first_frame": sweep.first_frame}
    return row | {"is_flipped": int(sweep.is_flipped), **_measured(made, grey, truth)}


def _measured(made: SweepVolume, grey: np.ndarray, truth: np.ndarray | None) -> dict:
    """Return size, known share, labelled voxels and grey values of a volume."""
    row = {f"size_{axis}": size for axis, size in zip("zyx", grey.shape, strict=True)}
    row |= {"spacing_mm": made.grid.spacing_xyz_mm[0], "known_share": made.is_known.mean()}
    counts = np.full(len(HipLabel), np.nan)
    if truth is not None:
        counts = np.bincount(truth.ravel(), minlength=len(HipLabel))
    row |= {f"{label.name.lower()}_voxels": counts[label] for label in STRUCTURES}
    labelled = np.zeros(0) if truth is None else grey[truth > 0]
    for where, values in zip(GREYS, (grey, grey[made.is_known], labelled), strict=True):
        row[f"grey_mean_{where}"] = values.mean() if values.size else np.nan
        row[f"grey_sd_{where}"] = values.std() if values.size else np.nan
    return row


def make_metrics(table: pd.DataFrame) -> dict[str, float | int]:
    """Return the stage's headline numbers.

    Parameters
    ----------
    table : pandas.DataFrame
        As the stage writes it.

    Returns
    -------
    dict
        Means are over volumes.
    """
    found = {"volume_count": len(table), "subject_count": table.subject_id.nunique()}
    found |= {f"size_{axis}_median_voxels": table[f"size_{axis}"].median() for axis in "zyx"}
    found["known_share_mean"] = table.known_share.mean()
    for where in GREYS:
        found[f"grey_mean_{where}"] = table[f"grey_mean_{where}"].mean()
    for label in STRUCTURES:
        name = label.name.lower()
        found[f"without_{name}_count"] = int((table[f"{name}_voxels"] == 0).sum())
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
