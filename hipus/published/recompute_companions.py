"""Recompute checks on the four companion documents.

Decides which of their printed numbers must follow from one another: gains, means, splits,
relations between Dice, IoU, precision and recall. Deliberately uses nothing but printed
numbers, and leaves the paper itself to the other `recompute_*` modules.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hipus.published import tables
from hipus.published.rounding import Check, compare, half_unit, holds

_TABLE_OF = {"U": "ultrabones_text", "R": "radiograph_text", "P": "cp_text", "T": "thesis_text"}


def checks() -> list[Check]:
    """Recompute the checks on the companion documents.

    Returns
    -------
    list of Check
    """
    return [
        *_bone_gains(),
        *_bone_f1(),
        *_bone_counts(),
        *_radiographs(),
        *_radiograph_counts(),
        *_ct_relations(),
        *_interpolated_labels(),
        *_thesis_splits(),
        *_thesis_shares(),
        *_borders(),
    ]


def iou_of_dice(dice: float) -> float:
    """Return the IoU (fraction) of two masks from their Dice (fraction)."""
    return dice / (2 - dice)


def f1(precision: float, recall: float) -> float:
    """Return the harmonic mean of precision and recall (fractions, not both zero)."""
    return 2 * precision * recall / (precision + recall)


def reach(function: Callable[..., float], *printed: str) -> tuple[float, float]:
    """Return what a function can be, given inputs known to their last printed digit.

    Parameters
    ----------
    function : callable
        Monotonic in each argument, so its extremes are at corners of the input ranges.
    *printed : str
        Inputs as printed.

    Returns
    -------
    tuple of float
        Least and greatest value.
    """
    ends = [(float(text) - half_unit(text), float(text) + half_unit(text)) for text in printed]
    corners = np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, len(ends))
    values = [function(*corner) for corner in corners]
    return min(values), max(values)


def _within(
    check_id: str, function: Callable[..., float], inputs: list[str], printed: str
) -> Check:
    """Compare a printed value with what its rounded inputs allow."""
    low, high = reach(function, *inputs)
    value, half = float(printed), half_unit(printed)
    fits = low <= value + half + 1e-9 and value - half <= high + 1e-9
    exact = function(*map(float, inputs))
    computed = f"{exact:.4f} (rounding range {low:.4f} to {high:.4f})"
    return Check(check_id, computed, printed, holds(fits))


def _text(claim: str) -> str:
    """Return one printed cell of a companion's running text."""
    return tables.printed(_TABLE_OF[claim[0]], f"claim_id={claim}")


def _count(claim: str) -> int:
    """Return one printed count."""
    return int(_text(claim))


def _equal(check_id: str, computed: int, printed: int) -> Check:
    """Compare two counts."""
    return Check(check_id, str(computed), str(printed), holds(computed == printed))


def _bone_gains() -> list[Check]:
    """Compare gains over manual labels with the two values they are the ratio of."""
    rows = (
        ("A096", "U046", "U047", "U048"),
        ("A097", "U049", "U050", "U051"),
        ("A098", "U052", "U053", "U054"),
    )
    return [
        _within(check_id, lambda new, old: 100 * (new / old - 1), [_text(a), _text(b)], _text(gain))
        for check_id, a, b, gain in rows
    ]


def _bone_f1() -> list[Check]:
    """Check that a mean of F1 is not above the F1 of the means (F1 is concave)."""
    found = []
    for check_id, accuracy, completeness, printed in (
        ("A099", "U043", "U044", "U045"),
        ("A100", "U046", "U049", "U052"),
        ("A101", "U047", "U050", "U053"),
    ):
        inputs = [_text(accuracy), _text(completeness)]
        highest = reach(f1, *inputs)[1]
        computed = f"{f1(*map(float, inputs)):.3f}"
        found.append(
            Check(check_id, computed, _text(printed), holds(float(_text(printed)) <= highest))
        )
    return found


def _bone_counts() -> list[Check]:
    """Compare specimens, sweeps and rated frames."""
    split = sum(_count(claim) for claim in ("U038", "U039", "U040"))
    corrected, limit = float(_text("U025")), float(_text("U023"))
    return [
        _equal("A102", _count("U002") * _count("U003"), _count("U028")),
        _equal("A103", split, _count("U002")),
        Check("A106", f"{corrected:g} < {limit:g}", f"{limit:g}", holds(corrected < limit)),
    ]


def _radiographs() -> list[Check]:
    """Compare the two tables of the radiograph paper with each other and the text."""
    models = tables.load("radiograph_table1").pivot(
        index="model", columns="statistic", values="dice"
    )
    cells = tables.as_printed("radiograph_table2").set_index(["statistic", "label"])["dice"]
    means = cells["mean"].astype(float)
    ordered = models[["mean", "median"]].ge(models["min"], axis=0).all(axis=None)
    ordered &= models[["mean", "median"]].le(models["max"], axis=0).all(axis=None)
    order = " > ".join(means.sort_values(ascending=False).index)
    rows = "model=fold_all;statistic=mean"
    long = [float(_text(claim)) for claim in ("R026", "R027", "R028")]
    least = float(cells["min", "L1"])
    best = models["mean"].idxmax()
    return [
        compare("A110", means.mean(), tables.printed("radiograph_table1", rows, "dice"), digits=5),
        Check("A111", f"best mean: {best}", "fold_all", holds(best == "fold_all")),
        Check("A113", str(bool(ordered)), "min <= mean, median <= max", holds(bool(ordered))),
        compare("A114", long, list(cells["mean"][["L3", "L4", "L5"]]), digits=5),
        Check("A115", f"least {least:.4f}", _text("R025"), holds(least > float(_text("R025")))),
        Check("A116", order, "L1, L5, L2, then L4, L3", holds(order == "L1 > L5 > L2 > L4 > L3")),
    ]


def _radiograph_counts() -> list[Check]:
    """Add up radiographs, hips and images."""
    excluded = 2 * _count("R001") - _count("R002")
    shown = f"{2 * _count('R001')} joints, {excluded} excluded"
    return [
        _equal("A117", _count("R003") + _count("R004"), _count("R002")),
        Check("A118", shown, _text("R002"), holds(excluded >= 0)),
    ]


def _ct_relations() -> list[Check]:
    """Compare IoU and Dice with the values that determine them."""
    rows = tables.as_printed("cp_comparison").set_index("study")
    with_tl, without = rows.loc["This study (with TL)"], rows.loc["This study (without TL)"]
    found = [
        _within("A127", iou_of_dice, [with_tl["dice"]], with_tl["iou"]),
        _within("A128", iou_of_dice, [without["dice"]], without["iou"]),
    ]
    for check_id, row in (("A129", rows.loc["[18]"]), ("A130", with_tl), ("A131", without)):
        found.append(_within(check_id, f1, [row["precision"], row["recall"]], row["dice"]))
    for check_id, number in (("A137", "35"), ("A138", "33"), ("A139", "39")):
        cell = [
            tables.printed("cp_related", f"reference_number={number}", name)
            for name in ("dice", "iou")
        ]
        found.append(_within(check_id, iou_of_dice, cell[:1], cell[1]))
    return found


def _interpolated_labels() -> list[Check]:
    """Compare means over three muscles with the text, and the text with an appendix."""
    zoi = tables.load("thesis_label_interpolation")
    zoi = zoi[zoi["algorithm_as_printed"] == "ZOI"].mean(numeric_only=True)
    return [
        compare("A140", zoi["dice"], _text("T037"), slack=0.5e-3),
        compare("A142", zoi["iou"], _text("T038"), slack=0.5e-3),
        compare("A143", zoi["volume_error_percent"], _text("T039"), slack=0.5e-2),
        compare("A144", float(_text("T037")), _text("T044"), digits=3),
    ]


def _thesis_splits() -> list[Check]:
    """Add up the thesis's splits and compare counts printed twice."""
    sums = (
        ("A150", ("T048", "T049", "T050"), "T034"),
        ("A151", ("T051", "T052", "T053"), "T068"),
        ("A152", ("T054", "T055", "T056"), "T047"),
        ("A153", ("T047",), "T067"),
        ("A176", ("T129",), "T128"),
    )
    configurations = len(tables.load("thesis_cm_configurations"))
    return [
        *(_equal(name, sum(map(_count, parts)), _count(total)) for name, parts, total in sums),
        _equal("A148", _count("T034") - _count("T036"), _count("T040")),
        _equal("A174", configurations, _count("T108")),
    ]


def _thesis_shares() -> list[Check]:
    """Compare shares and gains, in percent, with what they are shares of."""
    priors = tables.as_printed("thesis_negative_priors").query("gain_percent != ''")
    without = priors["dsc_without_negative_prior_percent"].astype(float)
    new = priors["dsc_with_negative_prior_percent"].astype(float)
    gain = 100 * (new - without) / new
    supervised = [100 * 3 / slices for slices in (100, 200, 300)]
    shares = [_text(claim) for claim in ("T097", "T098", "T099")]
    return [
        compare("A163", gain, list(priors["gain_percent"]), slack=0.01, digits=2),
        compare("A167", 100 / 10, _text("T090"), digits=0),
        compare("A168", supervised, shares, digits=1),
    ]


def _borders() -> list[Check]:
    """Add up distinct and completed borders; compare a table row printed twice."""
    frame = tables.as_printed("thesis_distinct")
    frame = frame.set_index(["dataset", "predictor", "border"]).sort_index()
    share = frame["true_positive_percent_of_border"]
    found = []
    for first, dataset in ((185, "LEG-3D-US"), (189, "Thyroid")):
        predictors = ("A-UNet", "UNet", "UNetR", "reference_border")
        for offset, predictor in enumerate(predictors):
            parts = share[dataset, predictor][["distinct", "completed"]].astype(float)
            whole = share[dataset, predictor]["all"]
            found.append(compare(f"A{first + offset}", parts.sum(), whole, slack=0.1, digits=1))
    leg = frame["std"]["LEG-3D-US", "reference_border"]
    equal = leg["distinct"] == leg["completed"]
    spreads = f"{leg['distinct']} and {leg['completed']} (leg)"
    return [*found, Check("A193", spreads, "equal", holds(equal))]
