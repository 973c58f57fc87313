"""The sweeps that motion is learned from, judged on and compared with: which, and their truth.

Decides by the cohort's one subject-level assignment, its quality rules and the variants of its
sweeps; decides that a sweep whose motion is to be predicted is prepared from its pictures
alone. No stage of its own. Truth comes from the simulation and is only ever compared with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus import config, geometry, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY, TRUTH, Cohort, read_cohort, session_file
from hipus.formats.cohort_session import read_json
from hipus.motion.cleaning import mean_picture
from hipus.motion.poses import mirrored
from hipus.motion.preparation import TRAVELLING, TURN, PreparedSweep
from hipus.motion.prepared_files import PreparationSettings, prepare_cohort

PROTOCOL = "protocol"
#: Further variants of sweeps: factors, other operators, and without or with twice the motion.
VARIANTS = (PROTOCOL, "grid", "repeat", "still", "restless")
#: The cohort that only ever serves statistics.
TEST_COHORT = "test"


def cohort_of(study: config.Study) -> Cohort:
    """Open the profile's cohort, which stage `cohort` makes."""
    return read_cohort(paths.results_dir(study.profile) / "cohort")


def sweep_rows(
    study: config.Study,
    *,
    split: str | None = None,
    cohort: str | None = None,
    variant: str = PROTOCOL,
    is_tracked: bool = True,
    only_usable: bool = True,
    is_needed: bool = True,
) -> pd.DataFrame:
    """Return the rows of p_a and p_d sweeps of a kind.

    Parameters
    ----------
    study : Study
    split : {"train", "validation", "test"}, optional
        All where left out.
    cohort : str, optional
        "study", "test", "training_only", ... as subjects.csv says. A hospital's cohort may
        lack the column: then the name of a split, "test", stands for it.
    variant : str
        One of `VARIANTS`; a hospital's sweeps are all "protocol".
    is_tracked : bool
    only_usable : bool
        Leave out sweeps that break a rule of quality.
    is_needed : bool
        Raise where no sweep is left; else there are no rows.

    Returns
    -------
    pandas.DataFrame
        Columns of the cohort's sweeps and subjects; sorted by subject and sweep.

    Raises
    ------
    ValueError
        For an unknown variant, a cohort without a split, or if no sweep is left.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {VARIANTS}, got {variant!r}")
    rows = _described(study)
    keep = rows.sweep_type.isin(TRAVELLING) & (rows.truth_variant == variant)
    keep &= rows.is_tracked.astype(bool) == is_tracked
    if only_usable:
        keep &= rows.is_usable.astype(bool)
    for column, value in (("split", split), ("cohort", cohort)):
        if value is not None:
            keep &= rows[column] == value
    if is_needed and not keep.any():
        raise ValueError(
            f"profile {study.profile}: no sweep of split {split!r}, cohort {cohort!r}, variant "
            f"{variant!r}, tracked {is_tracked}, among {len(rows)} in the cohort"
        )
    return rows[keep].sort_values(SWEEP_KEY).reset_index(drop=True)


def training_sweeps(study: config.Study, *, input_px: int) -> list[PreparedSweep]:
    """Return the usable, tracked sweeps of the subjects that are trained on.

    Parameters
    ----------
    study : Study
    input_px : int

    Returns
    -------
    list of PreparedSweep
        Cut and turned by what the tracker reported.
    """
    rows = sweep_rows(study, split="train")
    settings = PreparationSettings(input_px)
    return prepare_cohort(
        cohort_of(study), rows, folder=_folder(study, settings), settings=settings
    )


def validation_sweeps(
    study: config.Study, *, input_px: int, training: Sequence[PreparedSweep] | None = None
) -> list[PreparedSweep]:
    """Return the usable, tracked sweeps of the validation subjects, prepared as for prediction.

    Parameters
    ----------
    study : Study
    input_px : int
    training : sequence of PreparedSweep, optional
        As `training_sweeps` returns them; read back where left out.

    Returns
    -------
    list of PreparedSweep
    """
    return predicted_sweeps(
        study, sweep_rows(study, split="validation"), input_px=input_px, training=training
    )


def test_sweeps(
    study: config.Study,
    *,
    input_px: int,
    training: Sequence[PreparedSweep] | None = None,  # noqa: PT028 - no test of pytest's
) -> list[PreparedSweep]:
    """Return the usable sweeps of the test-only cohort, prepared as for prediction.

    Parameters
    ----------
    study : Study
    input_px : int
    training : sequence of PreparedSweep, optional
        As `training_sweeps` returns them; read back where left out.

    Returns
    -------
    list of PreparedSweep
    """
    rows = sweep_rows(study, split="test", cohort=TEST_COHORT)
    return predicted_sweeps(study, rows, input_px=input_px, training=training)


def variant_sweeps(
    study: config.Study,
    variant: str,
    *,
    input_px: int,
    training: Sequence[PreparedSweep] | None = None,
) -> list[PreparedSweep]:
    """Return sweeps of a variant of the protocol, prepared as for prediction.

    Parameters
    ----------
    study : Study
    variant : {"grid", "repeat", "still", "restless"}
        Of subjects of the test split outside the test-only cohort. Sweeps of the factors'
        grid are taken whether or not they break a rule: short and slow ones do by design.
    input_px : int
    training : sequence of PreparedSweep, optional
        As `training_sweeps` returns them; read back where left out.

    Returns
    -------
    list of PreparedSweep
    """
    rows = sweep_rows(study, split="test", variant=variant, only_usable=variant != "grid")
    return predicted_sweeps(study, rows, input_px=input_px, training=training)


def predicted_sweeps(
    study: config.Study,
    rows: pd.DataFrame,
    *,
    input_px: int,
    training: Sequence[PreparedSweep] | None = None,
) -> list[PreparedSweep]:
    """Return sweeps prepared as for prediction: nothing tracked decides anything.

    Parameters
    ----------
    study : Study
    rows : pandas.DataFrame
        As `sweep_rows` returns them.
    input_px : int
    training : sequence of PreparedSweep, optional
        As `training_sweeps` returns them; read back where left out.

    Returns
    -------
    list of PreparedSweep
        Turned by likeness to the mean picture of the training sweeps of their type.
    """
    settings = PreparationSettings(input_px, from_pictures=True)
    known = training_sweeps(study, input_px=input_px) if training is None else training
    return prepare_cohort(
        cohort_of(study),
        rows,
        folder=_folder(study, settings),
        settings=settings,
        reference_pictures=reference_pictures(known),
    )


def reference_pictures(training: Sequence[PreparedSweep]) -> dict[str, np.ndarray]:
    """Return the mean picture of each type of training sweep, by its name.

    Returns
    -------
    dict of str to numpy.ndarray (P, P)
    """
    return {kind: mean_picture(training, kind) for kind in sorted({s.sweep_type for s in training})}


def hip_truth(study: config.Study, prepared: PreparedSweep) -> np.ndarray:
    """Return where the pictures of a prepared sweep truly lay in the hip.

    Parameters
    ----------
    study : Study
        With a simulated cohort.
    prepared : PreparedSweep

    Returns
    -------
    numpy.ndarray (N, 4, 4) float64
        `T_centre_to_hip`, cut, turned and mirrored as the prepared sweep is. It has none of
        the tracker's errors, and no motion of the infant: `_vs_hip`.

    Raises
    ------
    FileNotFoundError
        If the sweep has no truth.
    """
    cohort = cohort_of(study)
    folder = cohort.folder / TRUTH
    row = cohort.sweeps.set_index(SWEEP_KEY).loc[(prepared.subject_id, prepared.sweep_id)]
    session = read_json(session_file(folder, prepared.subject_id, row.session_id))
    path = folder / prepared.subject_id / f"{prepared.sweep_id}.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: only a simulated cohort has truth")
    with np.load(path) as truth:
        T_image_to_hip = truth["T_image_to_hip"]
    kept = slice(prepared.first_frame, prepared.first_frame + len(prepared))
    T = geometry.compose(T_image_to_hip[kept], _centre_to_image(session, prepared))
    T = geometry.compose(T, TURN) if prepared.is_flipped else T
    return mirrored(T) if prepared.is_mirrored else T


def _centre_to_image(session: dict, prepared: PreparedSweep) -> np.ndarray:
    """Return the recorded picture's centre in the image frame, whose axes it shares."""
    T_probe_to_image = geometry.invert(session["T_image_to_probe"])
    T_pixel_to_image = geometry.compose(T_probe_to_image, session["T_pixel_to_probe"])
    height, width = prepared.frames.shape[1:]
    centre = geometry.apply(T_pixel_to_image, np.array([(width - 1) / 2, (height - 1) / 2, 0.0]))
    return geometry.transform(None, centre)


def _folder(study: config.Study, settings: PreparationSettings):
    """Return where prepared sweeps of a size are kept."""
    source = "pictures" if settings.from_pictures else "poses"
    name = f"prepared_{settings.input_px}px_{settings.flow_method}_from_{source}"
    return paths.work_dir(study.profile) / "motion" / name


def _described(study: config.Study) -> pd.DataFrame:
    """Return the cohort's sweeps with what is known of their subjects and quality."""
    cohort = cohort_of(study)
    quality = tables.read(
        paths.table_file(study.profile, "cohort_sweeps"),
        columns=(*SWEEP_KEY, "is_usable"),
        dtype=dict.fromkeys(SWEEP_KEY, str),
    )
    if "truth_variant" not in quality:
        quality = quality.assign(truth_variant=PROTOCOL)
    if "split" not in cohort.subjects:
        raise ValueError(f"{cohort.folder}/subjects.csv: needs a column split for learned motion")
    known = cohort.subjects
    known = known if "cohort" in known else known.assign(cohort=known.split)
    rows = cohort.sweeps.drop(columns="is_usable", errors="ignore")
    rows = rows.merge(quality[[*SWEEP_KEY, "is_usable", "truth_variant"]], on=SWEEP_KEY)
    rows = rows.merge(known.drop(columns="is_tracked", errors="ignore"), on="subject_id")
    sessions = rows[["subject_id", "session_id"]].drop_duplicates()
    tracked = [cohort.session(s, i).is_tracked for s, i in sessions.itertuples(index=False)]
    return rows.merge(sessions.assign(is_tracked=tracked), on=["subject_id", "session_id"])
