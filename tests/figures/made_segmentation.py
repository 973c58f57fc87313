"""Small made-up tables of segmentation: scores, courses, effort, grades, arms."""

import numpy as np
import pandas as pd

MODELS = ("2.1", "2.2", "2.3", "3.1", "3.2")
STRUCTURES = ("ilium", "femoral_head", "chondro_osseous_border", "femoral_cortex")
MEAN = "mean_over_structures"
#: Typical Dice of each model, and how much harder each structure is.
_DICE = dict(zip(MODELS, (0.62, 0.6, 0.66, 0.74, 0.84), strict=True))
_HARDER = dict(zip(STRUCTURES, (0.02, -0.08, 0.2, -0.02), strict=True))
STUDY, TEST_ONLY = ("S049", "S050"), ("S201", "S202", "S203", "S204", "S205")
TYPES = ("p_a", "p_d")


def _dice(rng, model, structure) -> float:
    return float(np.clip(_DICE[model] - _HARDER[structure] + rng.normal(0, 0.06), 0, 1))


def frame_scores(rng) -> pd.DataFrame:
    """Return frames of two cohorts; one subject is labelled, the border is not always seen."""
    rows = []
    for subject in (*STUDY, *TEST_ONLY):
        cohort = "study" if subject in STUDY else "test"
        for kind in TYPES:
            for frame in (4, 7, 10, 13):
                for model in MODELS[:3]:
                    for name in STRUCTURES:
                        is_absent = name == "chondro_osseous_border" and frame == 4
                        truth = np.nan if is_absent else _dice(rng, model, name)
                        label = truth if subject == STUDY[0] else np.nan
                        rows.append((subject, f"left_{kind}", frame, "left", kind, cohort, model,
                                     name, truth, label))  # fmt: skip
    names = ["subject_id", "sweep_id", "frame_index", "side", "sweep_type", "cohort", "model_id"]
    return pd.DataFrame(rows, columns=[*names, "structure", "dice_truth", "dice_label"])


def segmentation_cases(rng) -> pd.DataFrame:
    """Return volumes of two cohorts; drawn labels are there for one subject."""
    rows = []
    for subject in (*STUDY, *TEST_ONLY):
        cohort = "study" if subject in STUDY else "test"
        for reference in ("insonified_truth", "corrected_label", "drawn_label"):
            if reference == "drawn_label" and subject != STUDY[0]:
                continue
            for kind in TYPES:
                for model in MODELS:
                    for name in STRUCTURES:
                        rows.append((subject, f"left_{kind}", "left", kind, cohort, model,
                                     reference, name, _dice(rng, model, name)))  # fmt: skip
    names = ["subject_id", "sweep_id", "side", "sweep_type", "cohort", "model_id", "reference"]
    return pd.DataFrame(rows, columns=[*names, "structure", "dice"])


def segmentation_table1() -> pd.DataFrame:
    """Return printed means; models as numbers, as a file of them is read."""
    rows = [(float(model), name, _DICE[model] - 0.05)
            for model in MODELS for name in (*STRUCTURES, MEAN)]  # fmt: skip
    return pd.DataFrame(rows, columns=["model_id", "structure", "printed_dice"])


def segmentation_table5() -> pd.DataFrame:
    """Return printed means, once for each cohort."""
    table = segmentation_table1()
    return pd.concat([table.assign(cohort="study"), table.assign(cohort="test")])


def segmentation_comparisons() -> pd.DataFrame:
    """Return four comparisons of means, and one of a structure."""
    pairs = (("3.2", "2.1"), ("3.2", "2.2"), ("3.2", "2.3"), ("3.2", "3.1"), ("3.1", "2.3"))
    rows = [
        ("confirmatory" if n < 3 else "exploratory", MEAN, float(a), float(b), 10,
         0.0001 if n < 3 else 0.04, 0.2 - 0.03 * n, 0.15 - 0.03 * n, 0.25 - 0.03 * n)
        for n, (a, b) in enumerate(pairs)
    ]  # fmt: skip
    rows.append(("exploratory", "ilium", 3.2, 2.1, 10, 0.5, 0.0, -0.1, 0.1))
    names = ["family", "structure", "model_a", "model_b", "n", "p_holm", "mean_difference"]
    return pd.DataFrame(rows, columns=[*names, "mean_difference_low", "mean_difference_high"])


def learning_curve(model: str, rng) -> pd.DataFrame:
    """Return a course whose losses fall and whose Dice rise; models differ in length."""
    epochs = np.arange(20 + 5 * MODELS.index(model))
    falling = np.exp(-epochs / 8)
    table = pd.DataFrame({"model_id": float(model), "epoch": epochs})
    table["train_loss"] = 1.6 * falling - 0.6 + rng.normal(0, 0.02, len(epochs))
    table["val_loss"] = 1.6 * falling - 0.4 + rng.normal(0, 0.04, len(epochs))
    for name in STRUCTURES:
        rising = (_DICE[model] - _HARDER[name]) * (1 - falling)
        table[f"dice_{name}"] = rising + rng.normal(0, 0.02, len(epochs))
    return table


def first_masks(rng) -> pd.DataFrame:
    """Return three volumes; the head of one was never found."""
    rows = []
    for subject in ("S001", "S002", "S003"):
        for name in STRUCTURES:
            is_lost = subject == "S003" and name == "femoral_head"
            own = [0.7, 0.5, 0.2] + rng.normal(0, 0.04, 3)
            own = [np.nan] * 3 if is_lost else list(own)
            truth = list([0.85, 0.2, 0.2] + rng.normal(0, 0.02, 3))
            rows.append((subject, "left_p_a", name, *own, *truth))
    names = ["slice_dice", "roughness_elevational_mm", "roughness_in_plane_mm"]
    names += [f"truth_{name}" for name in names]
    return pd.DataFrame(rows, columns=["subject_id", "sweep_id", "structure", *names])


def _effort(rng, priors, raters) -> pd.DataFrame:
    """Return what volumes cost; begun with nothing they cost most."""
    rows = [
        (f"S00{n}", "left_p_a", rater, prior, scale * 40 + rng.normal(0, 3),
         scale * 9000 + rng.normal(0, 500), round(scale * 90))
        for n in range(1, 6)
        for rater in raters
        for prior, scale in priors.items()
    ]  # fmt: skip
    names = ["subject_id", "sweep_id", "rater_id", "prior", "minutes_simulated", "changed_mm3"]
    return pd.DataFrame(rows, columns=[*names, "touched_slices"])


def volume_effort_first(rng) -> pd.DataFrame:
    """Return the first round's effort of one rater."""
    return _effort(rng, {"first_masks": 0.7, "nothing": 1.0}, ("C",))


def volume_effort_refined(rng) -> pd.DataFrame:
    """Return the second round's effort of two raters."""
    return _effort(rng, {"first_round_masks": 0.4}, ("C", "D"))


def inter_rater() -> pd.DataFrame:
    """Return the agreement of two raters."""
    names = [*STRUCTURES, "mean of the four"]
    table = pd.DataFrame({"structure": names[::-1], "dice": [0.75, 0.74, 0.72, 0.88, 0.71]})
    return table.assign(published_dice=0.76, frame_count=[85, 37, 20, 36, 60])


#: As tables are sorted, which is not as figures have them.
GROUPS = (("ordinary", "tracked"), ("second_centre", "predicted"), ("test_only", "predicted"))


def volume_grade_shares() -> pd.DataFrame:
    """Return three groups; of the second centre no truth is known; p_a stands apart."""
    rows = []
    for group, poses in GROUPS:
        for kind in ("all", "p_a"):
            for grade, share, printed in (
                ("good", 0.6, 53.0), ("adequate", 0.35, 39.0), ("insufficient", 0.05, 8.0)
            ):  # fmt: skip
                truth = np.nan if group == "second_centre" else share
                rows.append((group, poses, kind, grade, share if kind == "all" else 1 / 3, truth,
                             74, 12, printed, 74.0))  # fmt: skip
    names = ["group", "poses", "sweep_type", "grade", "share", "share_of_truth", "volume_count"]
    names += ["subject_count", "published_percent", "published_volume_count"]
    return pd.DataFrame(rows, columns=names)


def volume_failures() -> pd.DataFrame:
    """Return two kinds of failure."""
    rows = [(*key, failure, share) for key in GROUPS
            for failure, share in (("incomplete_bone", 0.3), ("motion_artefact", 0.7))]  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "poses", "failure", "share"])


def volume_grades() -> pd.DataFrame:
    """Return grades of three volumes, one by predicted poses too."""
    rows = [
        (
            "S201",
            "left_p_a",
            "tracked",
            "insufficient",
            "incomplete_bone;holes;discontinuity;deformed_head;a;b",
            0.4,
        ),
        ("S202", "left_p_d", "tracked", "good", np.nan, 0.7),
        ("S202", "left_p_d", "predicted", "insufficient", "holes", 0.1),
    ]
    names = ["subject_id", "sweep_id", "poses", "grade", "failures", "dice_femoral_cortex"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(dice_ilium=0.8, dice_femoral_head=0.9, dice_chondro_osseous_border=np.nan)


PRIORS = ("nothing", "first_masks", "first_round_masks")


def staging_effort() -> pd.DataFrame:
    """Return three beginnings at three scales, of all infants and of unseen ones."""
    rows = []
    for scale in (0.5, 1.0, 2.0):
        for place, prior in enumerate(PRIORS):
            for subjects, count in (("all", 24), ("unseen", 8)):
                minutes = (30 - 8 * place) * scale**0.3
                saving = 100 * (1 - minutes / (30 * scale**0.3))
                rows.append((scale, prior, subjects, count, count // 4, minutes, minutes - 2,
                             minutes + 3, saving, saving - 5, saving + 5))  # fmt: skip
    names = ["error_scale", "prior", "subjects", "volume_count", "subject_count"]
    names += [f"{name}{end}" for name in ("minutes_simulated", "saving_percent")
              for end in ("", "_low", "_high")]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def rater_error_arm() -> pd.DataFrame:
    """Return networks by three errors of corrected labels, and one from drawn ones."""
    rows = [
        (prior, scale, name, 0.95 - 0.06 * scale, 0.85 - 0.03 * scale, 0.82 - 0.03 * scale,
         0.87 - 0.03 * scale)
        for prior, scales in (("first_round_masks", (0.5, 1.0, 2.0)), ("nothing", (1.0,)))
        for scale in scales
        for name in (*STRUCTURES, MEAN)
    ]  # fmt: skip
    names = ["prior", "error_scale", "structure", "dice_corrected", "dice_model_mean"]
    return pd.DataFrame(rows, columns=[*names, "dice_model_low", "dice_model_high"])


def split_arm() -> pd.DataFrame:
    """Return both splits; one subject alone has no interval."""
    rows = []
    for split in ("by_subject", "by_frame"):
        for judged_on, reference in (("own_test_frames", "label"),
                                     ("own_test_frames", "insonified_truth"),
                                     ("test_only_cohort", "insonified_truth")):  # fmt: skip
            gain = 0.1 * (split == "by_frame" and judged_on == "own_test_frames")
            alone = split == "by_subject" and judged_on == "own_test_frames"
            for name in (*STRUCTURES, MEAN):
                mean = 0.65 + gain
                low, high = (np.nan, np.nan) if alone else (mean - 0.05, mean + 0.06)
                rows.append((split, judged_on, reference, name, mean, low, high,
                             71 if gain else 83, 1 if alone else 8))  # fmt: skip
    names = ["split", "judged_on", "reference", "structure", "dice_mean", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "case_count", "subject_count"])


def everything(rng) -> dict:
    """Return every table by name."""
    random = (frame_scores, segmentation_cases, first_masks)
    random += (volume_effort_first, volume_effort_refined)
    plain = (segmentation_table1, segmentation_table5, segmentation_comparisons, inter_rater)
    plain += (volume_grade_shares, volume_failures, volume_grades)
    plain += (staging_effort, rater_error_arm, split_arm)
    made = {function.__name__: function(rng) for function in random}
    made |= {function.__name__: function() for function in plain}
    return made | {f"learning_curve_{one.replace('.', '')}": learning_curve(one, rng)
                   for one in MODELS}  # fmt: skip
