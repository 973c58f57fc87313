"""The paper's sentences on segmentation, tested on this study's tables. No stage of its own.

Decides which tables answer which sentence. A sentence whose table has no rows (a stage that was
skipped) is left out, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.published import tables as published
from hipus.seeds import generator
from hipus.segmentation import (
    claim_verdicts,
    further_claims,
    grey_claims,
    round_claims,
    untested_claims,
)
from hipus.segmentation.claims import FRAMES, STAGED, VOLUMES
from hipus.segmentation.volume_scores import FRAME_MODELS, MEAN, MODELS, TEXT, TRUTH, with_mean
from hipus.stages.frame_label_tables import OVERALL
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_printed import STUDY_COHORT, printed_means
from hipus.stages.segmentation_score_tables import BETWEEN_RATERS

COLUMNS = {
    "segmentation_claims": claim_verdicts.COLUMNS,
    "segmentation_grey_means": [
        *("model_id", "channel", "mean", "sd", "labelled_mean", "labelled_sd"),
        *("missing_share", "zero_filled_mean", "printed_mean", "printed_sd"),
    ],
}
KEYS = {
    "segmentation_claims": ["claim_id", "part"],
    "segmentation_grey_means": ["model_id", "channel"],
}
#: Tables of other stages, by model where {} stands.
CURVES, INPUTS = "learning_curve_{}", "network_inputs_{}"
#: Rater of the volumes that networks learn from; what his priors are called in tables.
_RATER, _COARSE, _NOTHING = "C", "first_masks", "nothing"
#: The kinds of failure that the paper calls typical, and what stands between kinds in a cell.
_TYPICAL, _BETWEEN = ("incomplete_bone", "motion_artefact"), ";"
#: Graded volumes of ordinary hips, swept as asked and tracked.
_ORDINARY, _TRACKED = ("labelled_test", "test_only", "remaining"), "tracked"
#: Printed counts of annotated sweeps and of training frames, `midl2026_text_claims.csv`.
_PRINTED_COUNTS = ("M028", "M042")
_EFFORT = (
    *(*SWEEP_KEY, "cohort", "rater_id", "prior"),
    *("labelled_mm3", "changed_mm3", "minutes_simulated"),
)


@dataclass(frozen=True)
class Courses:
    """What trainings and raters left beside masks.

    Attributes
    ----------
    curves, inputs : pandas.DataFrame
        Learning curves of the 2D models, and grey values that all models saw.
    labelled : pandas.DataFrame
        `frame_labels`.
    ends : pandas.DataFrame
        trim_start and trim_stop of sweeps.
    between_frames, between_volumes : pandas.DataFrame
        `inter_rater` and `volume_inter_rater`.
    first_effort, refined_effort : pandas.DataFrame
        `volume_effort_first` and `volume_effort_refined`, of the volumes that networks learn from.
    grades : pandas.DataFrame
        `volume_grades`, of ordinary tracked volumes whose truth was graded too.
    """

    curves: pd.DataFrame
    inputs: pd.DataFrame
    labelled: pd.DataFrame
    ends: pd.DataFrame
    between_frames: pd.DataFrame
    between_volumes: pd.DataFrame
    first_effort: pd.DataFrame
    refined_effort: pd.DataFrame
    grades: pd.DataFrame


def read_courses(profile: str) -> Courses:
    """Read what trainings and raters left.

    Parameters
    ----------
    profile : str

    Returns
    -------
    Courses
    """
    return Courses(
        curves=_of_models(profile, CURVES, FRAME_MODELS),
        inputs=_of_models(profile, INPUTS, MODELS),
        labelled=read(profile, "frame_labels", (*SWEEP_KEY, "frame_index", "split")),
        ends=read(profile, "cohort_sweeps", (*SWEEP_KEY, "trim_start", "trim_stop")),
        between_frames=read(profile, "inter_rater", ("structure", "dice", "published_dice")),
        between_volumes=read(profile, "volume_inter_rater", (*SWEEP_KEY, "structure", "dice")),
        first_effort=_effort(profile, "volume_effort_first"),
        refined_effort=_effort(profile, "volume_effort_refined"),
        grades=_grades(profile),
    )


def input_files(profile: str) -> list:
    """Return the files that `read_courses` reads."""
    names = ["frame_labels", "cohort_sweeps", "inter_rater", "volume_inter_rater"]
    names += ["volume_effort_first", "volume_effort_refined", "volume_grades"]
    names += [CURVES.format(_digits(one)) for one in FRAME_MODELS]
    names += [INPUTS.format(_digits(one)) for one in MODELS]
    return [paths.table_file(profile, name) for name in names]


def read(profile: str, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table of the study, ids and models as text."""
    return tables.read(paths.table_file(profile, name), columns=columns, dtype=TEXT)


def grey_table(courses: Courses) -> pd.DataFrame:
    """Return the mean grey values that the networks saw, printed ones beside.

    Parameters
    ----------
    courses : Courses

    Returns
    -------
    pandas.DataFrame
        See `grey_claims.grey_means`.
    """
    shares = grey_claims.missing_shares(_trained(courses), courses.ends[_ENDS])
    printed = {model: tuple(_printed_grey(model, what) for what in ("mean", "sd"))
               for model in MODELS}  # fmt: skip
    found = grey_claims.grey_means(courses.inputs, shares, printed)
    return found[COLUMNS["segmentation_grey_means"]]


def claims_table(
    frames: pd.DataFrame,
    volumes: pd.DataFrame,
    *,
    raters: pd.DataFrame,
    streaks: pd.DataFrame,
    courses: Courses,
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    """Return every sentence with its verdict.

    Parameters
    ----------
    frames, volumes : pandas.DataFrame
        Subject Dice (`volume_scores.subject_dice`) of the test-only cohort by truth.
    raters : pandas.DataFrame
        `segmentation_raters`.
    streaks : pandas.DataFrame
        `segmentation_streaks` of the test-only cohort.
    courses : Courses
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        See `claim_verdicts.findings_table`.
    """
    rng = generator(seed, "segmentation_scores", "claims")
    options = {"rng": rng, "resamples": resamples}
    printed = {FRAMES: printed_means("midl_table1"), VOLUMES: printed_means("midl_table5")}
    dice = {FRAMES: frames, VOLUMES: volumes}
    found = claim_verdicts.dice_findings(dice, printed, **options)
    found += further_claims.steadier_curves(courses.curves)
    found += further_claims.within_raters(raters, cohort=TEST_COHORT, between=BETWEEN_RATERS)
    found += _consistency(courses, **options)
    found += _grey_findings(courses)
    found += round_claims.streak_findings(streaks, truth=TRUTH, **options)
    found += round_claims.failure_findings(courses.grades, _TYPICAL, between=_BETWEEN, **options)
    found += _staging(courses, dice, printed, **options)
    found += _untested(courses)
    return claim_verdicts.findings_table(found)


def _consistency(courses: Courses, **options) -> list[claim_verdicts.Finding]:
    """Return whether raters agree more in volumes; nothing where no frame was drawn twice."""
    frames = courses.between_frames.set_index("structure")
    if OVERALL not in frames.index or not np.isfinite(frames.dice[OVERALL]):
        return []
    rows = with_mean(courses.between_volumes, by=SWEEP_KEY, columns=["dice"])
    printed = float(frames.published_dice[OVERALL])
    return further_claims.more_consistent(
        rows[rows.structure == MEAN].dropna(subset=["dice"]),
        float(frames.dice[OVERALL]),
        printed=printed,
        **options,
    )


def _grey_findings(courses: Courses) -> list[claim_verdicts.Finding]:
    """Return what grey values say, beside the printed counts of sweeps and training frames."""
    counts = [int(published.printed("midl_text", f"claim_id={name}")) for name in _PRINTED_COUNTS]
    return grey_claims.grey_findings(
        grey_table(courses), frame_count=len(_trained(courses)), printed_ends=tuple(counts)
    )


def _staging(courses: Courses, *dice, **options) -> list[claim_verdicts.Finding]:
    """Return what rounds cost, and what they bring by Dice; nothing where none was corrected."""
    first, refined = courses.first_effort, courses.refined_effort
    found = round_claims.start_findings(first, prior=_COARSE, nothing=_NOTHING, **options)
    costs = round_claims.staged_findings(first[first.prior == _COARSE], refined, **options)
    if costs:
        found += claim_verdicts.dice_findings(*dice, claims=[STAGED], **options)
    return found + costs


def _untested(courses: Courses) -> list[claim_verdicts.Finding]:
    """Return the sentences that no data of the study could decide."""
    found = untested_claims.rater_inputs(courses.between_frames)
    found += untested_claims.pseudo_labels(courses.labelled, courses.ends[_ENDS])
    return found + untested_claims.not_part_of_the_study()


def _effort(profile: str, name: str) -> pd.DataFrame:
    """Return what one rater's corrections of a round cost, of volumes of the study."""
    rows = read(profile, name, _EFFORT)
    return rows[(rows.rater_id == _RATER) & (rows.cohort == STUDY_COHORT)]


def _grades(profile: str) -> pd.DataFrame:
    """Return graded volumes of ordinary hips with a graded truth; empty cells as text."""
    columns = (*SWEEP_KEY, "group", "poses", "grade_of_truth", "failures", "failures_of_truth")
    rows = read(profile, "volume_grades", columns)
    rows = rows[rows.group.isin(_ORDINARY) & (rows.poses == _TRACKED)]
    rows = rows[rows.grade_of_truth.notna()]
    cells = ["failures", "failures_of_truth"]
    return rows.assign(**rows[cells].astype(object).fillna(""))


_ENDS = [*SWEEP_KEY, "trim_start", "trim_stop"]


def _trained(courses: Courses) -> pd.DataFrame:
    """Return the frames that 2D models learned from."""
    return courses.labelled[courses.labelled.split == "train"]


def _printed_grey(model_id: str, what: str) -> float:
    """Return the printed mean or SD of a model's z-score."""
    return float(published.printed("midl_training", f"model_id={model_id};parameter=zscore_{what}"))


def _of_models(profile: str, name: str, models) -> pd.DataFrame:
    """Return the tables of several models as one."""
    parts = [read(profile, name.format(_digits(one)), ("model_id",)) for one in models]
    return pd.concat(parts, ignore_index=True)


def _digits(model_id: str) -> str:
    return model_id.replace(".", "")
