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
from hipus.segmentation import claim_verdicts, further_claims
from hipus.segmentation.claims import FRAMES, VOLUMES
from hipus.segmentation.volume_scores import FRAME_MODELS, MEAN, MODELS, TEXT, with_mean
from hipus.stages.frame_label_tables import OVERALL
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_printed import printed_means
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
    """

    curves: pd.DataFrame
    inputs: pd.DataFrame
    labelled: pd.DataFrame
    ends: pd.DataFrame
    between_frames: pd.DataFrame
    between_volumes: pd.DataFrame


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
    )


def input_files(profile: str) -> list:
    """Return the files that `read_courses` reads."""
    names = ["frame_labels", "cohort_sweeps", "inter_rater", "volume_inter_rater"]
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
        See `further_claims.grey_means`.
    """
    shares = further_claims.missing_shares(_trained(courses), courses.ends[_ENDS])
    printed = {model: tuple(_printed_grey(model, what) for what in ("mean", "sd"))
               for model in MODELS}  # fmt: skip
    found = further_claims.grey_means(courses.inputs, shares, printed)
    return found[COLUMNS["segmentation_grey_means"]]


def claims_table(
    frames: pd.DataFrame,
    volumes: pd.DataFrame,
    *,
    raters: pd.DataFrame,
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
    courses : Courses
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        See `claim_verdicts.findings_table`.
    """
    rng = generator(seed, "segmentation_scores", "claims")
    printed = {FRAMES: printed_means("midl_table1"), VOLUMES: printed_means("midl_table5")}
    dice = {FRAMES: frames, VOLUMES: volumes}
    found = claim_verdicts.dice_findings(dice, printed, rng=rng, resamples=resamples)
    found += further_claims.steadier_curves(courses.curves)
    found += further_claims.within_raters(raters, cohort=TEST_COHORT, between=BETWEEN_RATERS)
    found += _consistency(courses, rng=rng, resamples=resamples)
    count = len(_trained(courses))
    found += further_claims.grey_findings(grey_table(courses), frame_count=count)
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
