"""The paper's tables 1 to 6, each printed number beside what the simulated study has.

Decides how a table is set: printed numbers in black, ours in blue and below or beside them, what
is missing as a dash, and how many cases each number is of. Decides no number: all are read from
saved tables. Nothing of ours stands where the print leaves open what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from hipus.figures.typeset import NONE, number, pair, typeset

#: Structures in the paper's order, as its tables head them.
_STRUCTURES = {
    "femoral_cortex": "bone cortex",
    "femoral_head": "femoral head",
    "ilium": "ilium",
    "chondro_osseous_border": "co-border",
}
_MEAN = {"mean_over_structures": "mean"}
_MODELS = {
    "2.1": "2D nnU-Net 2.1",
    "2.2": "2D nnU-Net 2.2",
    "2.3": "2.5D nnU-Net 2.3",
    "3.1": "3D nnU-Net 3.1",
    "3.2": "3D nnU-Net 3.2",
}
_DIRECTIONS = {"p_d": "proximal-distal", "p_a": "posterior-anterior"}
#: Table 3: heading -> measure as printed, and ours with the words that tell them apart.
_MEASURES = {
    "Dice": ("dice", {"dice": ""}),
    "Hausdorff distance, mm": ("hd_mm", {"hd95_mm": ", 95th percentile", "hd_mm": ", maximum"}),
    "average surface distance, mm": ("asd_mm", {"asd_gt_to_pred_mm": ", label to model"}),
}
#: Table 4: heading -> measures whose numbers share a cell, and digits.
_CASE_MEASURES = {
    "Dice": (("dice",), 3),
    "Hausdorff distance, mm (ours: 95th percentile)": (("hd95_mm",), 3),
    "average surface distance, mm (label to model / model to label)":
        (("asd_gt_to_pred_mm", "asd_pred_to_gt_mm"), 2),
}  # fmt: skip
_METRICS = ("Relative", "Absolute (mean)", "Final drift")
_AXES = {
    "translation_total": "translation, mm",
    "translation_x": "x, mm",
    "translation_y": "y, mm",
    "rotation_total_as_printed": "rotation, deg",
}
_ARM = ("mean", "low", "high", "sweep_count", "subject_count")
_WHOSE = {"ours": "here", "ours_p_a": "p_a here", "ours_p_d": "p_d here"}
#: Table 6: quantity -> words.
_QUANTITIES = {
    "infants": "infants in all",
    "female": "female",
    "male": "male",
    "age_mean": "age, mean",
    "age_sd": "age, SD",
    "age_min": "age, least",
    "age_max": "age, most",
    "hips_Ib": "hips of Graf type Ib",
    "hips_IIa": "hips of Graf type IIa",
    "infants_with_IIa": "infants with a hip of type IIa",
    "sweeps_recorded": "volumetric sweeps",
    "sweeps_rejected": "sweeps rejected",
    "p_a_duration_kept": "p_a sweep, duration",
    "p_d_duration_kept": "p_d sweep, duration",
    "frames_per_sweep_mean": "frames a sweep",
    "frames_train": "labelled frames, training",
    "frames_validation": "labelled frames, validation",
    "frames_test": "labelled frames, test",
    "volumes_train": "labelled volumes, training",
    "volumes_validation": "labelled volumes, validation",
    "volumes_test": "labelled volumes, test",
    "sweeps_tracked_train": "tracked sweeps, training",
    "sweeps_tracked_validation": "tracked sweeps, validation",
}


def draw_table_1(table: pd.DataFrame) -> Figure:
    """Draw Table 1: Dice of the five models by structure, on frames and on volumes.

    Parameters
    ----------
    table : pandas.DataFrame
        Table `segmentation_table1`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = _STRUCTURES | _MEAN
    lines = [("head", ["model", "", *columns.values()])]
    for name, rows in _models(table):
        printed = [pair(rows, one, "printed_dice", "printed_spread", 3) for one in columns]
        lines.append(("printed", [name, "printed", *printed]))
        for whose, words in (("label", "here"), ("test_only", "test-only")):
            cells = [_counted(rows, one, f"{whose}_") for one in columns]
            lines.append(("ours", ["", words, *cells]))
    notes = (
        "Mean ± SD (n). Models 2.x are judged on frames, 3.x on volumes; a frame counts for the "
        "structures it shows. Here: simulated test infants of the study, by raters' labels; "
        "test-only: further simulated infants, by truth. The mean of ours is that of the four."
    )
    return typeset("Table 1. Dice by model and structure", lines, (1.2, 0.65, *[1.05] * 5), notes)


def draw_table_2(table: pd.DataFrame, arms: pd.DataFrame) -> Figure:
    """Draw Table 2: errors of predicted motion, printed and ours by direction of sweeps.

    Parameters
    ----------
    table, arms : pandas.DataFrame
        Tables `motion_published` and `motion_arms`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = [("head", ["error", "", *_AXES.values()])]
    for metric in _METRICS:
        rows = table[table["metric"] == metric].set_index("column_as_printed")
        printed = [pair(rows, one, "mean", "spread_printed") for one in _AXES]
        lines.append(("printed", [metric.lower(), "printed", *printed]))
        for start, words in _WHOSE.items():
            mean, sd = (start.replace("ours", f"ours_{part}") for part in ("mean", "sd"))
            lines.append(("ours", ["", words, *(pair(rows, one, mean, sd) for one in _AXES)]))
    own = arms[(arms["arm"] == "published") & (arms["truth"] == "vs_tracker")]
    said = "".join(
        f"Mean final drift here {mean:.2f} mm (95 % interval over infants {low:.2f} to {high:.2f} "
        f"mm; n = {sweeps} sweeps of {infants} infants). "
        for mean, low, high, sweeps, infants in zip(*(own[name] for name in _ARM), strict=True)
    )
    notes = (
        "Mean ± SD over sweeps. Here: the printed network, trained on simulated sweeps, against "
        f"tracked poses of simulated test-only infants. {said}x: the print does not say "
        "which axis; rotation: the print's heading is lost; nothing of ours stands beside them."
    )
    widths = (1.3, 0.8, *[1.25] * 4)
    return typeset("Table 2. Errors of motion predicted without tracking", lines, widths, notes)


def draw_table_3(table: pd.DataFrame) -> Figure:
    """Draw Table 3: model 3.2 by direction of the sweep, three measures.

    Parameters
    ----------
    table : pandas.DataFrame
        Table `segmentation_table3`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = [("head", ["", "", *_STRUCTURES.values()])]
    for heading, (printed, ours) in _MEASURES.items():
        lines.append(("group", [heading]))
        for kind, words in _DIRECTIONS.items():
            rows = table[(table["sweep_type"] == kind) & (table["printed_measure"] == printed)]
            first = rows[rows["measure"] == next(iter(ours))].set_index("structure")
            cells = [number(first, one, "printed", 3) for one in _STRUCTURES]
            lines.append(("printed", [words, "printed", *cells]))
            for measure, which in ours.items():
                own = rows[rows["measure"] == measure].set_index("structure")
                cells = [number(own, one, "label_mean", 3) for one in _STRUCTURES]
                lines.append(("ours", ["", f"here{which}", *cells]))
    notes = (
        f"Means over volumes; here n = {_least_most(table['case_count'])} simulated test volumes a "
        "direction, by corrected labels. The printed Hausdorff distances cannot be maxima (some "
        "are 0 where Dice is below 1); a 95th percentile would fit, so both stand here."
    )
    return typeset("Table 3. Model 3.2 by direction of the sweep", lines,
                    (1.4, 1.6, *[1.0] * 4), notes)  # fmt: skip


def draw_table_4(table: pd.DataFrame) -> Figure:
    """Draw Table 4: model 3.2 case by case, printed and ours side by side.

    Parameters
    ----------
    table : pandas.DataFrame
        Table `segmentation_table4`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    heads = [part for name in _STRUCTURES.values() for part in (f"{name}\nprinted", "\nhere")]
    lines = [("head", ["printed case", "case here", *heads])]
    for heading, (measures, digits) in _CASE_MEASURES.items():
        lines.append(("group", [heading]))
        for kind in _DIRECTIONS:
            for place, rows in table[table["sweep_type"] == kind].groupby("place", sort=True):
                cells = [_case_cell(rows, one, measures, column, digits)
                         for one in _STRUCTURES for column in ("printed", "label")]  # fmt: skip
                lines.append(("mixed", [*_case_names(kind, place, rows), *cells]))
    notes = (
        "Cases are paired by direction and order alone: printed case and simulated case are "
        "different infants. Ours: simulated test volumes by corrected labels. The two ASD are "
        "printed with four decimals as gt→pred / pred→gt and rounded here."
    )
    return typeset("Table 4. Model 3.2, case by case", lines, (0.95, 1.05, *[0.62] * 8), notes)


def draw_table_5(table: pd.DataFrame) -> Figure:
    """Draw Table 5: Dice of the five models, all judged as volumes.

    Parameters
    ----------
    table : pandas.DataFrame
        Table `segmentation_table5`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = _STRUCTURES | _MEAN
    study = table[(table["cohort"] == "study") & (table["reference"] == "corrected_label")]
    others = table[(table["cohort"] == "test") & (table["reference"] == "insonified_truth")]
    further = dict(_models(others))
    lines = [("head", ["model", "", *columns.values()])]
    for model, rows in _models(study):
        printed = [pair(rows, one, "printed_dice", "printed_spread", 3) for one in columns]
        lines.append(("printed", [model, "printed", *printed]))
        for whose, own in (("here", rows), ("test-only", further.get(model))):
            cells = [_counted(own, one, "") for one in columns] if own is not None else []
            lines.append(("ours", ["", whose, *cells]))
    notes = (
        "Mean ± SD over volumes (n); 2D masks are placed in the volume first. Here: "
        "simulated test infants of the study, by corrected labels; test-only: further simulated "
        "infants, by truth."
    )
    return typeset("Table 5. Dice of all models under one protocol in 3D", lines,
                   (1.2, 0.65, *[1.0] * 5), notes)  # fmt: skip


def draw_table_6(table: pd.DataFrame) -> Figure:
    """Draw Table 6: what the cohort is, in numbers; infants themselves are not repeated.

    Parameters
    ----------
    table : pandas.DataFrame
        Table `cohort_published`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = table.set_index("quantity")
    lines = [("head", ["quantity", "unit", "printed", "here", "of"])]
    for name, words in _QUANTITIES.items():
        if name in rows.index:
            printed, ours = (number(rows, name, one, None) for one in ("published", "ours"))
            unit, note = (str(rows[one].get(name, "")) for one in ("unit", "note"))
            lines.append(("mixed", [words, unit, printed, ours, note.split(";")[0]]))
    notes = (
        "Printed: the clinical cohort (Table 6) and the text's counts. Here: the simulated cohort, "
        "whose make-up was set from the printed one and so confirms nothing of it."
    )
    return typeset("Table 6. The cohort, printed and simulated", lines,
                   (1.9, 0.7, 0.6, 0.6, 3.2), notes)  # fmt: skip


def _models(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the name of each model and its rows by structure."""
    models = table["model_id"].astype(str)
    for model, name in _MODELS.items():
        if (models == model).any():
            yield name, table[models == model].set_index("structure")


def _case_names(kind: str, place: str, rows: pd.DataFrame) -> list[str]:
    """Return what a case is called in print and here, or that it is a mean."""
    if place == "mean":
        return [f"mean, {kind}", ""]
    first = rows.iloc[0]
    return [f"{first['printed_case']:.0f}, {kind}", f"{first['subject_id']} {first['sweep_id']}"]


def _case_cell(rows, structure: str, measures: Sequence[str], column: str, digits: int) -> str:
    """Return the numbers of one case, structure and cell."""
    own = rows[rows["structure"] == structure].set_index("measure")
    return " / ".join(number(own, measure, column, digits) for measure in measures)


def _counted(rows: pd.DataFrame, name: str, start: str) -> str:
    """Return mean, SD and how many cases they are of."""
    said = pair(rows, name, f"{start}dice_mean", f"{start}dice_sd")
    if said == NONE:
        return said
    count = rows.loc[name, f"{start}case_count"] - rows.loc[name, f"{start}missing_count"]
    return f"{said} ({count:.0f})"


def _least_most(counts: pd.Series) -> str:
    """Return a count, or the least and the most where they differ."""
    return " to ".join(f"{count}" for count in sorted({counts.min(), counts.max()}))
