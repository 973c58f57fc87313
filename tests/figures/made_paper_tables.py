"""What the paper's tables and schemes need beyond what other figures need of the same tables."""

import made_segmentation
import numpy as np
import pandas as pd

STRUCTURES = ("femoral_cortex", "femoral_head", "ilium", "chondro_osseous_border")
#: Quantity, unit, printed, ours, note.
COHORT = (
    ("infants", "infants", 50, 12, "12 infants of the study proper"),
    ("age_sd", "days", 0.78, 0.651, "12 infants of the study proper"),
    ("sweeps_recorded", "sweeps", 200, 48, "volumetric sweeps; printed: 50 infants x 4"),
    ("frames_train", "frames", 432, 462, "whole subjects"),
    ("frames_validation", "frames", 108, 76, "whole subjects"),
    ("frames_test", "frames", 71, np.nan, "whole subjects"),
    ("graf_duration_kept", "s", 5.3, 6.73, "4 sweeps; assumed"),
    ("p_a_duration_kept", "s", 7.5, 7.46, "24 sweeps; printed"),
    ("p_d_duration_kept", "s", 5.3, 5.42, "24 sweeps; printed"),
)


def cohort_published() -> pd.DataFrame:
    """Return some of the cohort's numbers; ours lacks one."""
    return pd.DataFrame(COHORT, columns=["quantity", "unit", "published", "ours", "note"])


def motion_published() -> pd.DataFrame:
    """Return three printed errors; what an axis is called is only known of the total."""
    rows = [
        (metric, column, printed, 0.2, ours, sd, ours, sd, ours, sd)
        for metric, printed, ours, sd in (
            ("Relative", 0.68, 0.34, 0.05),
            ("Absolute (mean)", 5.16, 2.95, 1.59),
            ("Final drift", 12.6, 5.16, 3.57),
        )
        for column in ("translation_total", "translation_x")
        for ours, sd in (((np.nan, np.nan),) if column == "translation_x" else ((ours, sd),))
    ]
    ours = [f"ours_{part}{kind}" for kind in ("", "_p_a", "_p_d") for part in ("mean", "sd")]
    names = ["metric", "column_as_printed", "mean", "spread_printed", *ours]
    return pd.DataFrame(rows, columns=names)


def segmentation_table1() -> pd.DataFrame:
    """Return printed Dice and ours, of 78 frames of which 8 lack the structure."""
    table = made_segmentation.segmentation_table1().assign(printed_spread=0.3)
    for start in ("label_", "test_only_"):
        table = table.assign(
            **{f"{start}dice_mean": table["printed_dice"] + 0.01, f"{start}dice_sd": 0.1,
               f"{start}case_count": 78, f"{start}missing_count": 8}
        )  # fmt: skip
    return table


def segmentation_table5() -> pd.DataFrame:
    """Return printed Dice and ours for both cohorts and references."""
    table = segmentation_table1().rename(columns=lambda name: name.removeprefix("label_"))
    parts = [
        table.assign(cohort=cohort, reference=reference)
        for cohort in ("study", "test")
        for reference in ("corrected_label", "insonified_truth")
    ]
    return pd.concat(parts, ignore_index=True)


def segmentation_table3() -> pd.DataFrame:
    """Return one number for each measure, told by its place."""
    measures = {"dice": "dice", "hd95_mm": "hd_mm", "hd_mm": "hd_mm", "asd_gt_to_pred_mm": "asd_mm"}
    rows = [
        (kind, name, measure, printed, 0.5, 0.1 * place, 4)
        for kind in ("p_a", "p_d")
        for place, (measure, printed) in enumerate(measures.items())
        for name in STRUCTURES
    ]
    names = ["sweep_type", "structure", "measure", "printed_measure", "printed", "label_mean"]
    return pd.DataFrame(rows, columns=[*names, "case_count"])


def segmentation_table4() -> pd.DataFrame:
    """Return one case of each direction, and the means."""
    rows = [
        (kind, place, name, measure, case, 0.9361, "S049" if case else None, f"left_{kind}", 0.25)
        for kind, first in (("p_a", 2), ("p_d", 1))
        for place, case in (("1", first), ("mean", np.nan))
        for name in STRUCTURES
        for measure in ("dice", "hd95_mm", "hd_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm")
    ]
    names = ["sweep_type", "place", "structure", "measure", "printed_case", "printed"]
    return pd.DataFrame(rows, columns=[*names, "subject_id", "sweep_id", "label"])


def extended(made: dict, rng) -> dict:
    """Return made content with what the paper's tables and schemes need.

    Parameters
    ----------
    made : dict
        What all other modules made.
    rng : numpy.random.Generator
    """
    plain = (cohort_published, motion_published, segmentation_table1, segmentation_table3,
             segmentation_table4, segmentation_table5)  # fmt: skip
    effort = {f"volume_effort_{name}": made[f"volume_effort_{name}"].assign(split="train")
              for name in ("first", "refined")}  # fmt: skip
    graf = {
        "graf_frames": rng.integers(1, 255, (1, 12, 16), dtype=np.uint8),
        "subject_id": np.array("S049"),
        "side": np.array("right"),
    }
    return (
        made
        | {function.__name__: function() for function in plain}
        | effort
        | {"cohort.npz": made["cohort.npz"] | graf}
    )
