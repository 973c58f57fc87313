"""Recompute how the paper's Tables 1 to 5 follow from one another.

Decides which means and spreads must agree; the single cases are in `recompute_cases`.
Deliberately uses nothing but printed numbers.
"""

from __future__ import annotations

from hipus.published import tables
from hipus.published.audit import CheckVerdict
from hipus.published.recompute_cases import STRUCTURES, cases
from hipus.published.rounding import Check, compare, holds

MODEL_CLAIMS = {"2.1": "M059", "2.2": "M060", "2.3": "M062", "3.1": "M074", "3.2": "M076"}
"""Model id -> text claim that prints its mean Dice."""

_TABLE4 = ("dice", "hd_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm")
_HALF_3_DIGITS = 0.5e-3
_HALF_4_DIGITS = 0.5e-4


def checks() -> list[Check]:
    """Recompute the checks on the means of Tables 1 to 5.

    Returns
    -------
    list of Check
    """
    return [
        *_dice_means("midl_table1", ("A001", "A002", "A003", "A004", "A005")),
        *_table4_means(),
        *_table1_from_table4(),
        *_text_means(),
        *_orientation_averages(),
        *_dice_means("midl_table5", ("A026", "A027", "A028", "A029", "A030")),
        *_table5_doubts(),
        *_ranking_sentences(),
    ]


def _dice_means(table: str, check_ids: tuple[str, ...]) -> list[Check]:
    """Compare the mean of four structures with the printed mean Dice of each model."""
    found = []
    for check_id, (model, claim) in zip(check_ids, MODEL_CLAIMS.items(), strict=True):
        frame = tables.load(table).query("model_id == @model").set_index("structure")
        if table == "midl_table5":
            rows = f"model_id={model};structure=mean_over_structures"
            printed = tables.printed(table, rows, "dice_mean")
        else:
            printed = tables.printed("midl_text", f"claim_id={claim}")
        mean = frame.loc[list(STRUCTURES), "dice_mean"].mean()
        found.append(compare(check_id, mean, printed, slack=_HALF_3_DIGITS, digits=5))
    return found


def _mean_row(column: str) -> list[str]:
    """Return the printed mean row of Table 4 in the order of the structures."""
    rows = "is_printed_mean_row=1;structure="
    return [tables.printed("midl_table4", rows + name, column) for name in STRUCTURES]


def _table4_means() -> list[Check]:
    """Compare Table 4's mean row with the mean of its eight cases."""
    return [
        compare(check_id, cases(column).mean(), _mean_row(column), slack=_HALF_4_DIGITS, digits=5)
        for check_id, column in zip(("A006", "A007", "A008", "A009"), _TABLE4, strict=True)
    ]


def _table1_from_table4() -> list[Check]:
    """Compare Table 1's row of model 3.2 with Table 4, mean and spread."""
    row = tables.select(tables.as_printed("midl_table1"), "model_id=3.2").set_index("structure")
    row = row.loc[list(STRUCTURES)]
    mean = [float(text) for text in _mean_row("dice")]
    spread = list(row["dice_spread_printed"])
    population = compare("A011", cases("dice").std(ddof=0), spread, slack=_HALF_4_DIGITS)
    sample = compare("A011", cases("dice").std(ddof=1), spread, slack=_HALF_4_DIGITS)
    computed = f"population {population.computed} | sample {sample.computed}"
    only_population = population.verdict != sample.verdict == CheckVerdict.INCONSISTENT
    return [
        compare("A010", mean, list(row["dice_mean"]), slack=_HALF_4_DIGITS),
        Check("A011", computed, population.printed, holds(only_population)),
    ]


def _text_means() -> list[Check]:
    """Compare means over the structures of Table 4 with the running text."""
    found = []
    for check_id, claim, column in (
        ("A012", "M078", "hd_mm"),
        ("A013", "M079", "asd_gt_to_pred_mm"),
        ("A014", "M080", "asd_pred_to_gt_mm"),
        ("A015", "M076", "dice"),
    ):
        printed = tables.printed("midl_text", f"claim_id={claim}")
        mean = cases(column).to_numpy().mean()
        found.append(compare(check_id, mean, printed, slack=_HALF_4_DIGITS))
    return found


def _orientation_averages() -> list[Check]:
    """Compare the average of Table 3's two orientations with Table 4's mean row."""
    found = []
    for check_id, metric, column in (
        ("A021", "dice", "dice"),
        ("A022", "hd_mm", "hd_mm"),
        ("A023", "asd_mm", "asd_gt_to_pred_mm"),
    ):
        frame = tables.load("midl_table3")
        mean = (
            frame[frame["metric"] == metric].groupby("structure")["value"].mean()[list(STRUCTURES)]
        )
        found.append(compare(check_id, mean, _mean_row(column), slack=_HALF_3_DIGITS))
    return found


def _table5_doubts() -> list[Check]:
    """Compare rows of Table 5 that should differ, and that should not."""
    table5 = tables.as_printed("midl_table5").set_index(["model_id", "structure"])
    numbers = table5[["dice_mean", "dice_spread_printed"]]
    same = int((numbers.loc["2.1"] == numbers.loc["2.2"]).to_numpy().sum())
    table1 = tables.load("midl_table1").query("model_id == '3.2'").set_index("structure")
    later = tables.load("midl_table5").query("model_id == '3.2'").set_index("structure")
    change = (later["dice_mean"] - table1["dice_mean"])[list(STRUCTURES)]
    shown = "; ".join(f"{name} {value:+.3f}" for name, value in change.items())
    within = bool((change.abs() <= 2 * _HALF_3_DIGITS).all())
    n_numbers = numbers.loc["2.1"].size
    return [
        Check("A031", f"{same} of {n_numbers} identical", f"{n_numbers} per row", holds(same < 5)),
        Check("A033", f"Table 5 - Table 1: {shown}", "the same model", holds(within)),
    ]


def _ranking_sentences() -> list[Check]:
    """Compare sentences about the order of structures with Table 1."""
    frame = tables.load("midl_table1")
    dice = frame.pivot(index="model_id", columns="structure", values="dice_mean")
    flat = dice.loc[["2.1", "2.2", "2.3"]]
    gain = flat["ilium"] - flat["bone_cortex"]
    lowest = flat.idxmin(axis=1)
    above = int((dice.loc["3.2"] > 0.85).sum())
    shown = "; ".join(f"{model} {value:+.3f}" for model, value in gain.items())
    found = "; ".join(f"{model}: lowest is {name}" for model, name in lowest.items())
    return [
        Check("A034", f"ilium minus cortex: {shown}", "cortex above", holds((gain < 0).all())),
        Check("A035", found, "co_border lowest", holds((lowest == "co_border").all())),
        Check("A036", f"{above} of 4 structures above 0.85", "most", holds(above > 2)),
    ]
