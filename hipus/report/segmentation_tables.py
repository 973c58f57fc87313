"""Tables of segmentation as a reader of the paper wants them: its numbers beside ours.

Decides what stands in a cell. Computes nothing: every number is read from a saved table.
"""

from __future__ import annotations

import pandas as pd

from hipus.report.sources import rows_of
from hipus.report.wording import beside, interval, number

#: Whose volumes count for the study's goals, and what judges them.
TEST_ONLY, TRUTH, MEAN = "test", "insonified_truth", "mean_over_structures"
STRUCTURES = {
    "ilium": "ilium",
    "femoral_head": "femoral head",
    "chondro_osseous_border": "border",
    "femoral_cortex": "cortex",
    MEAN: "mean",
}
#: Who judges in `segmentation_table1`.
JUDGES = {
    "label": "raters' labels, as printed",
    "truth": "the same by truth",
    "test_only": "test-only infants by truth",
}
GROUPS = {
    "ordinary": "all ordinary sweeps",
    "labelled_test": "labelled infants, test volumes",
    "test_only": "test-only infants",
    "remaining": "further sweeps",
    "dysplastic": "dysplastic hips",
    "provoked": "provoked motion and pace",
    "second_centre": "second, untracked centre",
}
GRADES = ("good", "adequate", "insufficient")


def all_in_volumes(profile: str) -> pd.DataFrame:
    """Return Table 5: every model's Dice of volumes, the printed one in brackets.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pandas.DataFrame
        A row per model; ours by truth, on the test-only cohort.
    """
    rows = rows_of(profile, "segmentation_table5", cohort=TEST_ONLY, reference=TRUTH)
    return _by_structure(rows, "dice_mean").assign(volumes=_counts(rows, "case_count"))


def as_printed(profile: str) -> pd.DataFrame:
    """Return Table 1: every model judged as the paper judges, and then by truth.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pandas.DataFrame
        Three rows per model; the printed value stands with the first alone.
    """
    rows = rows_of(profile, "segmentation_table1")
    parts = []
    for place, (judge, words) in enumerate(JUDGES.items()):
        part = rows if place == 0 else rows.assign(printed_dice=float("nan"))
        found = _by_structure(part, f"{judge}_dice_mean")
        found.insert(1, "judged by", words)
        counts = _counts(rows, f"{judge}_case_count")
        units = rows.drop_duplicates("model_id").set_index("model_id").unit
        found["cases"] = [f"{counts[name]} {units[name]}s" for name in found.index]
        parts.append(found.assign(place=place))
    stacked = pd.concat(parts).sort_values(["model", "place"], kind="stable")
    return stacked.drop(columns="place")


def _by_structure(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a row per model and a column per structure, printed values in brackets."""
    cells = rows.assign(
        cell=[
            beside(ours, printed) if pd.notna(printed) else number(ours)
            for ours, printed in zip(rows[column], rows.printed_dice, strict=True)
        ]
    ).pivot(index="model_id", columns="structure", values="cell")
    cells = cells[list(STRUCTURES)].rename(columns=STRUCTURES)
    cells.insert(0, "model", cells.index)
    return cells.rename_axis(columns=None)


def _counts(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return how many cases each model was judged on."""
    return rows[rows.structure == MEAN].set_index("model_id")[column].astype(int)


def sentences(profile: str) -> pd.DataFrame:
    """Return the paper's sentences with their verdicts, a row each.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pandas.DataFrame
        The number is that of `published_claims`; differences stand in `segmentation_claims`.
    """
    rows = rows_of(profile, "segmentation_claims")
    found = []
    for name, part in rows.groupby("claim_id", sort=False):
        held = int((part.part_verdict == "holds").sum())
        first = part.iloc[0]
        found.append(
            {
                "number": name,
                "here": first.verdict,
                "sentence, in our words": first.claim,
                "differences that hold": f"{held} of {len(part)}",
                "where": first.source,
            }
        )
    return pd.DataFrame(found)


def shares(profile: str) -> pd.DataFrame:
    """Return the share of each grade by group of sweeps, the printed ones last.

    Parameters
    ----------
    profile : str

    Returns
    -------
    pandas.DataFrame
        Percent of volumes, with the 95 % interval over infants.
    """
    rows = rows_of(profile, "volume_grade_shares", sweep_type="all")
    found = []
    for (group, poses), part in rows.groupby(["group", "poses"], sort=False):
        by_grade = part.set_index("grade")
        row = {"volumes": f"{GROUPS[group]}, {poses}"}
        row |= {name: _percent(by_grade.loc[name]) for name in GRADES}
        first = part.iloc[0]
        found.append(row | {"n": f"{first.volume_count:.0f} of {first.subject_count:.0f} infants"})
    by_grade = rows.drop_duplicates("grade").set_index("grade")
    printed = {name: f"{by_grade.published_percent[name]:.0f} %" for name in GRADES}
    count = f"{rows.published_volume_count.iloc[0]:.0f}"
    row = {"volumes": "printed: a clinic's, read by people", **printed, "n": count}
    return pd.DataFrame([*found, row])


def _percent(row: pd.Series) -> str:
    """Return a share and its interval in percent."""
    ends = interval(100 * row.low, 100 * row.high, ".0f").removeprefix("95 % ")
    return f"{100 * row.share:.0f} % ({ends})"
