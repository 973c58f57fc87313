"""Results on segmentation, made up: their real ones take five trainings.

Every table has the columns of the stage that writes it, so that a column which a stage renames
is missing here too.
"""

import pandas as pd

from hipus import paths, tables
from hipus.segmentation.volume_scores import MEAN, MODELS, STRUCTURE_NAMES
from hipus.stages import (
    frame_label_tables,
    segmentation_arm_effort,
    segmentation_arm_tables,
    segmentation_scores,
    stills_tables,
    volume_grades,
    volume_labels_refined,
)

COLUMNS = {
    **frame_label_tables.COLUMNS,
    **segmentation_scores.COLUMNS,
    **volume_labels_refined.COLUMNS,
    **volume_grades.COLUMNS,
    **segmentation_arm_tables.COLUMNS,
    **segmentation_arm_effort.COLUMNS,
    **stills_tables.COLUMNS,
}
PRINTED = {"2.1": 0.501, "2.2": 0.501, "2.3": 0.507, "3.1": 0.646, "3.2": 0.807}
DICE = PRINTED | {"2.1": 0.431, "2.2": 0.452, "3.1": 0.7, "3.2": 0.843}
P = {"2.1": 0.0001, "2.2": 0.006, "2.3": 0.012}
NAMES = (*STRUCTURE_NAMES, MEAN)
SCORES = {
    **{f"dice_test_only_{model}": value for model, value in DICE.items()},
    "dice_test_only_3.2_femoral_head": 0.887,
    "subject_count_test_only": 10,
    "volume_count_test_only": 38,
    **{f"p_holm_3.2_vs_{model}": p for model, p in P.items()},
    "goal_mean_dice_met": True,
    "goal_mean_dice_of_paper_profile_met": False,
    "goal_head_dice_met": False,
    "goal_better_than_each_2d_model_met": True,
    "goal_order_of_table5_met": True,
}  # fmt: skip
FIRST_MASKS = {
    "slice_dice": 0.712,
    "truth_slice_dice": 0.934,
    "roughness_elevational_mm": 0.418,
    "truth_roughness_elevational_mm": 0.123,
}
#: Tables of `make arms`.
FROM_ARMS = ("split_inflation", "rater_error_arm", "staging_effort", "staging_totals",
             "stills_segmentation_summary", "stills_cases")  # fmt: skip


def scores() -> dict[str, list[dict]]:
    """Return the tables of `segmentation_scores` that the page has sentences on."""
    by_model = [(model, name) for model in MODELS for name in NAMES]
    judge = {"dice_mean": 0.6, "dice_sd": 0.1, "case_count": 78, "missing_count": 0}
    interval = {"low": 0.011, "high": 0.052, "level": 0.95, "volume_count": 38}
    interval |= {"subject_count": 10, "left_out_count": 0}
    own = {"cohort": "test", "structure": MEAN}
    table5 = [
        {"cohort": cohort, "reference": reference, "model_id": model, "structure": name,
         "printed_dice": PRINTED[model], "case_count": 38,
         "dice_mean": DICE[model] if cohort == "test" else 0.111}
        for cohort in ("study", "test") for reference in ("insonified_truth", "corrected_label")
        for model, name in by_model
    ]  # fmt: skip
    return {
        "segmentation_cases": [{"subject_id": "S101"}],
        "segmentation_table5": table5,
        "segmentation_table1": [
            {"model_id": model, "structure": name, "printed_dice": 0.631,
             "unit": "frame" if model < "3" else "volume"}
            | {f"{who}_{key}": value for who in ("label", "truth", "test_only")
               for key, value in judge.items()}
            for model, name in by_model
        ],
        "segmentation_raters": [
            own | interval | {"pair": pair, "dice_mean": mean, "difference": mean - 0.9,
                              "dice_low": mean - 0.02, "dice_high": mean + 0.02}
            for pair, mean in (("C and D", 0.9), ("3.2 and C", 0.861), ("3.2 and D", 0.857),
                               ("3.2 and truth", 0.843), ("C and truth", 0.912),
                               ("D and truth", 0.913))
        ],
        "segmentation_comparisons": [
            {"family": family, "structure": MEAN, "model_a": "3.2", "model_b": model, "n": 10,
             "p_holm": p, "mean_difference": 0.3, "mean_difference_low": 0.25,
             "mean_difference_high": 0.36}
            for family, model, p in (*(("confirmatory", *pair) for pair in P.items()),
                                     ("exploratory", "3.1", 0.5))
        ],
        "segmentation_friedman": [
            {"structure": MEAN, "p": 2e-7, "kendalls_w": 0.91, "subject_count": 10,
             "model_count": 5}
        ],
        "segmentation_nemenyi": [{"structure": MEAN, "model_a": "2.1", "model_b": "3.2"}],
        "segmentation_summary": [
            own | {"reference": "insonified_truth", "model_id": "3.2", "measure": name,
                   "median": value, "infinite_count": 2, "count": 38}
            for name, value in (("hd_mm", 5.25), ("hd95_mm", 1.75), ("assd_mm", 0.45))
        ],
        "segmentation_bias": [
            own | interval | {"reference": "corrected_label", "model_id": model, "difference": 0.03}
            for model in ("3.1", "3.2")
        ],
        "segmentation_claims": claims(),
        "segmentation_grey_means": [{"model_id": "2.1", "channel": 0, "mean": 50.0}],
        "segmentation_table3": [{"sweep_type": "p_a", "structure": "ilium", "printed": 0.9}],
        "segmentation_table4": [{"sweep_type": "p_a", "place": "1", "printed": 0.9}],
    }  # fmt: skip


def claims() -> list[dict]:
    """Return two sentences, one with two parts of which one holds."""
    parts = (("S64d", "holds", "holds"), ("S62c", "holds", "does not hold"),
             ("S62c", "does not hold", "does not hold"))  # fmt: skip
    return [
        {"claim_id": name, "claim": f"Sentence {name}", "source": "Paper, section 6.2",
         "part": str(place), "part_verdict": part, "verdict": whole}
        for place, (name, part, whole) in enumerate(parts)
    ]  # fmt: skip


def labels() -> dict[str, list[dict]]:
    """Return what raters left."""
    agreement = {"published_dice": 0.76, "frame_count": 85, "final_truth_dice": 0.819}
    return {
        "inter_rater": [
            agreement | {"subject_id": "S005", "structure": name, "dice": dice}
            for name, dice in (("ilium", 0.721), ("femoral_head", 0.882),
                               ("mean of the four", 0.765))
        ],
        "annotation_effort": [
            {"task": "frames drawn", "rater_id": "A", "case_count": 31, "simulated_h": 10.13}
        ],
    }  # fmt: skip


def graded() -> dict[str, list[dict]]:
    """Return shares, failures and what is lost."""
    printed = {"good": 53.0, "adequate": 39.0, "insufficient": 8.0}
    key = {"poses": "tracked", "volume_count": 40, "subject_count": 20}
    return {
        "grading_rules": [{"sweep_type": "p_a", "name": "ilium_present"}],
        "volume_grade_shares": [
            key | {"group": group, "sweep_type": "all", "grade": grade, "share": share,
                   "low": share - 0.1, "high": share + 0.1, "published_percent": printed[grade],
                   "published_volume_count": 74.0}
            for group in ("test_only", "remaining", "ordinary")
            for grade, share in (("good", 0.6), ("adequate", 0.25), ("insufficient", 0.15))
        ],
        "volume_failures": [
            key | {"group": "remaining", "failure": name, "count": count}
            for name, count in (("incomplete_bone", 7), ("holes", 0), ("motion_artefact", 9))
        ],
        "volume_drop": [
            {"comparison": "predicted poses", "quantity": "dice_mean", "mean": 0.801,
             "reference_mean": 0.843, "difference": -0.042, "low": -0.06, "high": -0.02,
             "volume_count": 38, "reference_volume_count": 38},
            {"comparison": "predicted poses", "quantity": "share_good", "mean": 0.5},
        ],
    }  # fmt: skip


def arms() -> dict[str, list[dict]]:
    """Return the tables that `make arms` adds."""
    ends = {"": 61.4, "_low": 55.0, "_high": 66.0, "_least_by_cost": 48.0, "_most_by_cost": 70.0}
    saving = {f"saving_percent{end}": value for end, value in ends.items()}
    still = {"measure": "dice", "from_scratch": 0.512, "pretrained": 0.541, "difference": 0.029}
    still |= {"low": -0.01, "high": 0.07, "case_count": 7, "better_case_count": 5}
    return {
        "split_inflation": [
            {"split": "by_frame", "structure": MEAN, "dice_own_test": 0.7, "dice_test_only": 0.6,
             "inflation": 0.1, "low": 0.05, "high": 0.15}
        ],
        "rater_error_arm": [
            {"prior": "nothing", "error_scale": 2.0, "structure": MEAN, "dice_corrected": 0.88,
             "dice_model_mean": 0.81, "model_difference": -0.033, "difference_low": -0.05,
             "difference_high": -0.01}
        ],
        "staging_effort": [
            saving | {"error_scale": 1.0, "prior": prior, "subjects": "all",
                      "minutes_simulated": value}
            for prior, value in (("nothing", 80.0), ("first_masks", 40.0),
                                 ("first_round_masks", 20.0))
        ],
        "staging_totals": [
            saving | {"error_scale": scale, "staged_simulated_h": 33.3,
                      "from_nothing_simulated_h": 66.6, "break_even_volumes": 17.2}
            for scale in (0.5, 1.0)
        ],
        "stills_segmentation_summary": [still | {"structure": name} for name in ("ilium", "mean")],
        "stills_cases": [
            {"case_id": "72628", "status": "refused", "reason": "case 72628: all masks are empty"},
            {"case_id": "1", "status": "used", "reason": ""},
        ],
    }  # fmt: skip


def write(name: str, rows: list[dict]) -> None:
    """Write a table with its stage's columns; what is not made up stays unknown."""
    table = pd.DataFrame(rows, columns=COLUMNS[name])
    tables.write(table, paths.table_file("smoke", name), key=[])


def write_all() -> None:
    """Write everything that `make reproduce` makes."""
    for name, rows in (scores() | labels() | graded()).items():
        write(name, rows)
    tables.write(pd.DataFrame({"dice": [0.5]}), paths.table_file("smoke", "first_masks"), key=[])
    for stage, values in (("segmentation_scores", SCORES), ("first_masks", FIRST_MASKS)):
        tables.write_metrics(values, paths.metrics_file("smoke", stage))


def write_arms() -> None:
    """Write what `make arms` adds."""
    for name, rows in arms().items():
        write(name, rows)


def write_skipped() -> None:
    """Write what a cohort leaves that nobody labelled: tables without rows."""
    for name in (*scores(), *labels(), *graded()):
        write(name, [])
    tables.write(pd.DataFrame({"dice": []}), paths.table_file("smoke", "first_masks"), key=[])
    for stage in ("segmentation_scores", "first_masks"):
        tables.write_metrics({}, paths.metrics_file("smoke", stage))


def change(name: str, **values) -> None:
    """Set columns of a table that was written."""
    path = paths.table_file("smoke", name)
    text = dict.fromkeys(("model_id", "model_a", "model_b"), str)
    tables.write(tables.read(path, dtype=text).assign(**values), path, key=[])
