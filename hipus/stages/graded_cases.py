"""Which volumes are graded, and by which poses they are made. No stage of its own.

Decides the groups that are told apart, and which sweeps stand for all when not all are graded.
Volumes whose labels a network learned from are left out: it would be graded on what it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.motion.predictions import PosePrediction, read_predictions
from hipus.seeds import generator
from hipus.stages import model_masks, motion_data
from hipus.stages.motion_volumes import predictions_dir

TRACKED, PREDICTED = "tracked", "predicted"
TRACKER = "tracker"
#: Sweeps of these variants were made to be hard; they never count among ordinary ones.
PROVOKED = ("grid", "still", "restless")
#: Test volumes of the labelled study and of the test-only cohort; further sweeps of ordinary
#: hips; of dysplastic ones; under provoked motion and pace; of a centre without a tracker.
GROUPS = ("labelled_test", "test_only", "remaining", "dysplastic", "provoked", "second_centre")
LABELLED_TEST, TEST_ONLY, REMAINING, DYSPLASTIC, PROVOKED_GROUP, SECOND_CENTRE = GROUPS
#: What is counted together as `ORDINARY`: hips as the study's infants have them, swept as asked.
ORDINARY, ORDINARY_GROUPS = "ordinary", (LABELLED_TEST, TEST_ONLY, REMAINING)
_KNOWN = [*SWEEP_KEY, "side", "sweep_type", "cohort", "centre", "trim_start", "trim_stop"]


@dataclass(frozen=True, eq=False)
class Case:
    """One volume to be graded.

    Attributes
    ----------
    subject_id, sweep_id, side, sweep_type, cohort : str
    centre : float
        As subjects.csv says, NaN where it does not.
    variant : str
        Of the protocol.
    group : str
        One of `GROUPS`.
    poses : {"tracked", "predicted"}
    pose_arm : str
        What told the poses; "" where they are yet to be predicted.
    trim_start, trim_stop : float
        Frames that count; NaN where the cohort does not say.
    is_stored : bool
        Volume and mask lie on disk.
    is_flipped : float
        Of a stored volume: 1 where its pictures were turned back.
    prediction : PosePrediction or None
    """

    subject_id: str
    sweep_id: str
    side: str
    sweep_type: str
    cohort: str
    centre: float
    trim_start: float
    trim_stop: float
    variant: str
    group: str
    poses: str = TRACKED
    pose_arm: str = TRACKER
    is_stored: bool = False
    is_flipped: float = np.nan
    prediction: PosePrediction | None = None

    def __str__(self) -> str:
        """Return the case's name in messages."""
        return f"{self.subject_id}/{self.sweep_id} ({self.poses} poses)"


def cases_of(study: config.Study) -> list[Case]:
    """Return all volumes to be graded.

    Parameters
    ----------
    study : Study
        `volume_grades.sweeps` limits the further tracked sweeps, nothing else.

    Returns
    -------
    list of Case
        Test volumes, further tracked sweeps, the test-only cohort by predicted poses, then
        untracked sweeps. Of sweeps that break a rule of quality none is graded.

    Raises
    ------
    ValueError
        If a test-only sweep's poses were not predicted.
    """
    stored = list(_stored(study))
    further = further_rows(study)
    rng = generator(study.common.seed, "volume_grades", "sweeps")
    further = spread(further, study.volume_grades.sweeps, rng=rng)
    again = [case for case in stored if case.group == TEST_ONLY]
    untracked = _cases(_rows(study, is_tracked=False), poses=PREDICTED, pose_arm="")
    return [*stored, *_cases(further), *_by_predictions(study, again), *untracked]


def further_rows(study: config.Study) -> pd.DataFrame:
    """Return usable tracked sweeps that no round of segmentation has seen, of all variants.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.DataFrame
        As `motion_data.sweep_rows`, by subject and sweep.
    """
    parts = [_rows(study, variant=name) for name in motion_data.VARIANTS]
    rows = pd.concat(parts, ignore_index=True)
    if "is_labelled_3d" in rows:
        rows = rows[~rows.is_labelled_3d.fillna(0).astype(bool)]
    rows = rows[rows.cohort != motion_data.TEST_COHORT]
    return rows.sort_values(SWEEP_KEY).reset_index(drop=True)


def spread(rows: pd.DataFrame, count: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Take sweeps of as many subjects as possible, as evenly as possible.

    Parameters
    ----------
    rows : pandas.DataFrame
        With subject_id.
    count : int
        Rows to take at most.
    rng : numpy.random.Generator
        Which sweep of a subject comes first, and which subjects have one more than others.

    Returns
    -------
    pandas.DataFrame
        In the order of `rows`. More rows are a superset of fewer.

    Raises
    ------
    ValueError
        If count is not positive.
    """
    if count < 1:
        raise ValueError(f"count must be >= 1, got {count}")
    mixed = rows.iloc[rng.permutation(len(rows))]
    turn = mixed.groupby("subject_id").cumcount().to_numpy()
    taken = mixed.index[np.argsort(turn, kind="stable")[:count]]
    return rows.loc[sorted(taken)]


def group_of(row) -> str:
    """Return the group that a sweep is counted in.

    Parameters
    ----------
    row : named tuple or pandas.Series
        cohort, truth_variant, is_tracked and, where the cohort says, is_labelled_3d.

    Returns
    -------
    str
        One of `GROUPS`.
    """
    if not row.is_tracked:
        return SECOND_CENTRE
    if row.truth_variant in PROVOKED:
        return PROVOKED_GROUP
    if row.cohort == DYSPLASTIC:
        return DYSPLASTIC
    if row.cohort == motion_data.TEST_COHORT:
        return TEST_ONLY
    return LABELLED_TEST if getattr(row, "is_labelled_3d", 0) == 1 else REMAINING


def turned_truth(study: config.Study) -> pd.Series:
    """Return which probes were truly held turned.

    Parameters
    ----------
    study : Study

    Returns
    -------
    pandas.Series
        1 or 0 by subject and sweep; empty where nobody knows.
    """
    path = paths.table_file(study.profile, "cohort_sweeps")
    known = tables.read(path, dtype=dict.fromkeys(SWEEP_KEY, str)).set_index(SWEEP_KEY)
    return known.get("truth_is_flipped", pd.Series(dtype=float))


def _rows(study: config.Study, **wanted) -> pd.DataFrame:
    """Return sweeps of a kind, none where the cohort has none."""
    return motion_data.sweep_rows(study, **wanted, is_needed=False)


def _stored(study: config.Study) -> Iterator[Case]:
    """Yield the test volumes, which have masks by every model."""
    text = dict.fromkeys(SWEEP_KEY, str)
    made = tables.read(paths.table_file(study.profile, "sweep_volumes"), dtype=text)
    is_flipped = made.set_index(SWEEP_KEY).is_flipped
    for case in _cases(model_masks.cases_of(study), is_stored=True):
        yield replace(case, is_flipped=float(is_flipped[case.subject_id, case.sweep_id]))


def _cases(rows: pd.DataFrame, **known) -> Iterator[Case]:
    """Yield the cases of rows."""
    plain = rows.reindex(columns=_KNOWN).to_dict("records")
    for row, content in zip(rows.itertuples(), plain, strict=True):
        yield Case(**content, variant=row.truth_variant, group=group_of(row), **known)


def _by_predictions(study: config.Study, cases: list[Case]) -> Iterator[Case]:
    """Yield cases again, to be placed by the first arm that motion_volumes looks at."""
    if not cases:
        return
    arm = study.motion_volumes.arms[0]
    expected = [(case.subject_id, case.sweep_id) for case in cases]
    found = read_predictions(predictions_dir(study.profile, arm), expected)
    for case, key in zip(cases, expected, strict=True):
        placed = {"poses": PREDICTED, "pose_arm": arm, "prediction": found[key]}
        yield replace(case, **placed, is_stored=False, is_flipped=np.nan)
