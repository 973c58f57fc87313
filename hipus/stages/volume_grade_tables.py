"""Tables of stage volume_grades: shares of grades, kinds of failure, Dice. No stage of its own.

Decides what is counted together (a group of sweeps and what told their poses; ordinary tracked
sweeps pooled) and that the printed shares, of a clinic's volumes read by a person, stand beside
ours, simulated and graded by rules: alike in words only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hipus import paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.seeds import generator
from hipus.segmentation.grading import FAILURES, GRADES
from hipus.stages.grade_rules import BETWEEN
from hipus.stages.graded_cases import ORDINARY, ORDINARY_GROUPS, TRACKED
from hipus.stages.graded_volumes import DICE, NAMED
from hipus.statistics import bootstrap_mean_by_subject

KEY = [*SWEEP_KEY, "poses"]
#: As the paper lists them.
BEST_FIRST = GRADES[::-1]
ALL = "all"
GROUP = ["group", "poses"]
INTERVAL = ["low", "high", "volume_count", "subject_count"]
COLUMNS = [
    *(*NAMED, "poses", "pose_arm", "is_flipped", "is_wrongly_turned", "grade", "broken_rules"),
    *("failures", "grade_of_truth", "failures_of_truth", *DICE, "dice_mean"),
]
SHARE_KEY = [*GROUP, "sweep_type", "grade"]
SHARE_COLUMNS = [
    *(*SHARE_KEY, "count", "share", *INTERVAL, "share_of_truth"),
    *("published_percent", "published_volume_count"),
]
FAILURE_KEY = [*GROUP, "failure"]
FAILURE_COLUMNS = [*FAILURE_KEY, "count", "share", "volume_count", "share_of_truth"]
DICE_KEY = [*GROUP, "structure"]
DICE_COLUMNS = [*DICE_KEY, "dice", *INTERVAL, "without_dice_count"]
#: Claims of the transcribed text; see `data/published/midl2026_text_claims.csv`.
_PRINTED = {"good": "M082", "adequate": "M083", "insufficient": "M084"}
_PRINTED_COUNT = "M081"


def read_printed() -> dict[str, float]:
    """Return the printed percentage of each grade, and under "count" of how many volumes."""
    path = paths.data_dir() / "published" / "midl2026_text_claims.csv"
    value = tables.read(path, columns=("claim_id", "value"), dtype=str)
    value = value.set_index("claim_id").value
    named = _PRINTED | {"count": _PRINTED_COUNT}
    return {name: float(value[claim]) for name, claim in named.items()}


def groups(grades: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Yield what is counted together.

    Parameters
    ----------
    grades : pandas.DataFrame
        Of volumes, `COLUMNS`.

    Yields
    ------
    (group, poses), pandas.DataFrame
        First all ordinary tracked sweeps, where there are any, then each group.
    """
    pooled = grades[grades.group.isin(ORDINARY_GROUPS) & (grades.poses == TRACKED)]
    if len(pooled):
        yield (ORDINARY, TRACKED), pooled
    yield from grades.groupby(GROUP, sort=False)


def share_table(grades: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return the share of each grade by group, by what told the poses and by sweep type.

    Parameters
    ----------
    grades : pandas.DataFrame
        Of volumes, `COLUMNS`.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        `SHARE_COLUMNS`: share of volumes with its 95 % interval (NaN with one subject), the
        share of truth volumes that get that grade, and the printed percentage, which may be
        compared with "ordinary" alone. Sweep type "all" stands for both together. An interval
        of equal values is a point.
    """
    printed, rows = read_printed(), []
    for (group, poses, kind), part in _parts(grades):
        unit = ("volume_grade_shares", group, poses, kind)
        for name in BEST_FIRST:
            is_so = (part.grade == name).to_numpy()
            found = _interval(is_so, part, rng=generator(seed, *unit), resamples=resamples)
            row = dict(zip(SHARE_KEY, (group, poses, kind, name), strict=True))
            row |= {"count": int(is_so.sum()), "share": found.pop("mean"), **found}
            row["share_of_truth"] = _share_of_truth(part, part.grade_of_truth == name)
            row |= {"published_percent": printed[name], "published_volume_count": printed["count"]}
            rows.append(row)
    return pd.DataFrame(rows, columns=SHARE_COLUMNS)


def failure_table(grades: pd.DataFrame) -> pd.DataFrame:
    """Count the volumes that show each kind of failure, those with none too.

    Parameters
    ----------
    grades : pandas.DataFrame
        Of volumes, `COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        `FAILURE_COLUMNS`; a volume may show several kinds. `share_of_truth` is of truth
        volumes that show it: what the sweep, not the network, is to blame for.
    """
    rows = []
    for (group, poses), part in groups(grades):
        for kind in FAILURES:
            shows = _has(part.failures, kind)
            truth = _has(part.failures_of_truth, kind)
            row = dict(zip(FAILURE_KEY, (group, poses, kind), strict=True))
            row |= {"count": int(shows.sum()), "share": shows.mean(), "volume_count": len(part)}
            rows.append(row | {"share_of_truth": _share_of_truth(part, truth)})
    return pd.DataFrame(rows, columns=FAILURE_COLUMNS)


def dice_table(grades: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return mean Dice with what was insonified, by group and by what told the poses.

    Parameters
    ----------
    grades : pandas.DataFrame
        Of volumes, `COLUMNS`.
    seed, resamples : int
        Of the bootstrap over subjects.

    Returns
    -------
    pandas.DataFrame
        `DICE_COLUMNS`, structure "mean" being the mean over the structures of a volume.
        `without_dice_count` volumes have none, because there is no truth or because neither
        mask shows the structure; they are not in the mean.
    """
    rows = []
    for (group, poses), part in groups(grades):
        for column in (*DICE, "dice_mean"):
            known = part[part[column].notna()]
            rng = generator(seed, "volume_grade_dice", group, poses)
            found = _interval(known[column], known, rng=rng, resamples=resamples)
            row = dict(zip(DICE_KEY, (group, poses, column.removeprefix("dice_")), strict=True))
            row |= {"dice": found.pop("mean"), **found}
            rows.append(row | {"without_dice_count": len(part) - len(known)})
    return pd.DataFrame(rows, columns=DICE_COLUMNS)


def _parts(grades: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Yield group, poses and sweep type with their volumes."""
    for (group, poses), part in groups(grades):
        yield (group, poses, ALL), part
        for kind, some in part.groupby("sweep_type"):
            yield (group, poses, kind), some


def _interval(values, part: pd.DataFrame, *, rng, resamples: int) -> dict[str, float]:
    """Return mean, interval and counts; NaN without values."""
    if not len(part):
        return {"mean": np.nan, "low": np.nan, "high": np.nan, "volume_count": 0,
                "subject_count": 0}  # fmt: skip
    found = bootstrap_mean_by_subject(values, part.subject_id, rng=rng, resamples=resamples)
    return {
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "volume_count": found.value_count,
        "subject_count": found.subject_count,
    }


def _has(failures: pd.Series, kind: str) -> pd.Series:
    """Return which volumes show a kind of failure."""
    return failures.map(lambda names: kind in names.split(BETWEEN))


def _share_of_truth(part: pd.DataFrame, is_so: pd.Series) -> float:
    """Return the share among volumes that have truth, NaN where none has."""
    known = part.grade_of_truth != ""
    return float(is_so[known].mean()) if known.any() else np.nan
