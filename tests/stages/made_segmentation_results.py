"""What stages before `segmentation_scores` leave, in tiny volumes of known worth.

Every mask is the truth with a share of each structure rubbed out: Dice 2 (1 - s) / (2 - s) for a
share s, by construction. Two study subjects and five of the test-only cohort, two sweeps each;
a training subject stands in the tables and must never be judged on.
"""

import numpy as np
import pandas as pd

from hipus import images, paths, tables
from hipus.formats.mask_files import write_mask
from hipus.segmentation.volume_scores import FRAME_MODELS, MODELS, STRUCTURE_NAMES
from hipus.stages.segmentation_scores import prediction_file, reference_file

SHAPE, SPACING, ORIGIN = (6, 11, 13), (1.5, 0.5, 0.7), (1.0, -2.0, 3.0)
#: Share of voxels that a model, a rater misses.
MISSED = {"2.1": 0.6, "2.2": 0.55, "2.3": 0.45, "3.1": 0.3, "3.2": 0.05}
RATERS = {"corrected_label": 0.1, "second_label": 0.15, "drawn_label": 0.2}
STUDY, TEST_ONLY = ("S049", "S050"), ("S101", "S102", "S103", "S104", "S105")
SWEEPS = {"left_p_a": "p_a", "left_p_d": "p_d"}
#: First frame of every sweep that counts, and the end.
TRIM, LABELLED = (4, 14), (4, 7, 10, 13)
DRAWN_SUBJECT = STUDY[0]
FRAME_DICE = {"2.1": 0.5, "2.2": 0.55, "2.3": 0.6}


def cases() -> pd.DataFrame:
    """Return all volumes: of test subjects, and of one that is trained on."""
    rows = [
        (subject, sweep, "left", kind, *about)
        for subjects, about in (
            (("S001",), ("study", "train")), (STUDY, ("study", "test")),
            (TEST_ONLY, ("test", "test")),
        )
        for subject in subjects
        for sweep, kind in SWEEPS.items()
    ]  # fmt: skip
    names = ["subject_id", "sweep_id", "side", "sweep_type", "cohort", "split"]
    return pd.DataFrame(rows, columns=names)


def truth() -> np.ndarray:
    """Return a label volume with four structures of different sizes."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, 1, 1:11], mask[1:5, 4:9, 2:9] = 1, 2
    mask[1:5, 4:9, 10], mask[:, 10, 2:12] = 3, 4
    return mask


def rubbed(mask: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return a mask without a share of each structure's voxels."""
    flat = mask.ravel().copy()
    for label in range(1, 5):
        places = np.flatnonzero(flat == label)
        flat[rng.choice(places, round(share * len(places)), replace=False)] = 0
    return flat.reshape(mask.shape)


def write(array: np.ndarray, path) -> None:
    """Write a mask on the grid of all volumes."""
    volume = images.Volume(array, SPACING, ORIGIN)
    write_mask(volume, path, scheme="hip", made_by="a test", origin="simulated")


def write_results(profile: str = "smoke") -> None:
    """Write masks and tables below `results/<profile>`."""
    rng, results = np.random.default_rng(4), paths.results_dir(profile)
    rows = cases()
    for case in rows[rows.split == "test"].itertuples():
        write(truth(), reference_file(results, "insonified_truth", case))
        for model, share in MISSED.items():
            write(rubbed(truth(), share, rng), prediction_file(results, model, case))
        for name, share in RATERS.items():
            if name != "drawn_label" or case.subject_id == DRAWN_SUBJECT:
                write(rubbed(truth(), share, rng), reference_file(results, name, case))
    _write_tables(profile, rows, rng)


def _write_tables(profile: str, rows: pd.DataFrame, rng) -> None:
    """Write the tables of other stages."""
    written = {
        "sweep_volumes": rows, "cohort_sweeps": rows.assign(trim_start=TRIM[0], trim_stop=TRIM[1]),
        "frame_scores": frame_scores(rows, rng), "frame_labels": frame_labels(rows),
        "inter_rater": inter_rater(),
    }  # fmt: skip
    by_structure = rows.merge(pd.DataFrame({"structure": STRUCTURE_NAMES}), how="cross")
    for name in ("volume_labels_refined", "volume_labels_second_rater"):
        written[name] = by_structure.assign(dice_corrected=0.93)
    written["volume_inter_rater"] = by_structure[by_structure.split == "test"].assign(dice=0.88)
    written |= efforts(rows) | {"volume_grades": grades(rows)}
    written["volume_labels_first"] = by_structure[by_structure.subject_id.isin(["S001", "S049"])]
    for model in MODELS:
        digits = model.replace(".", "")
        written[f"network_inputs_{digits}"] = network_inputs(model)
        if model in FRAME_MODELS:
            written[f"learning_curve_{digits}"] = learning_curve(model, rng)
    for name, table in written.items():
        tables.write(table, paths.table_file(profile, name), key=[])


def frame_scores(rows: pd.DataFrame, rng) -> pd.DataFrame:
    """Return Dice of every third frame; labels are there for one study subject."""
    test = rows[rows.split == "test"].drop(columns="split")
    grid = pd.MultiIndex.from_product(
        [LABELLED, FRAME_MODELS, STRUCTURE_NAMES], names=["frame_index", "model_id", "structure"]
    )
    table = test.merge(grid.to_frame(index=False), how="cross")
    table["dice_truth"] = table.model_id.map(FRAME_DICE) + rng.normal(0, 0.02, len(table))
    table.loc[table.structure == "chondro_osseous_border", "dice_truth"] -= 0.2
    is_drawn = table.subject_id == DRAWN_SUBJECT
    table["dice_label"] = np.where(is_drawn, table.dice_truth + 0.1, np.nan)
    return table


def frame_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the labelled frames of a training and of a test subject."""
    some = rows[rows.subject_id.isin(["S001", DRAWN_SUBJECT])]
    return some.merge(pd.DataFrame({"frame_index": LABELLED}), how="cross")


def inter_rater() -> pd.DataFrame:
    """Return the agreement of raters of frames."""
    names = [*STRUCTURE_NAMES, "mean of the four"]
    about = {"dice": 0.7, "published_dice": 0.76, "frame_count": 8}
    return pd.DataFrame({"structure": names, **about})


def efforts(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return what both rounds cost: the second less; another rater, on the test-only cohort too."""
    shift = np.arange(len(rows)) / 10
    own = rows.assign(rater_id="C", labelled_mm3=3000 + shift, changed_mm3=1000 - shift)
    first = own.assign(prior="first_masks", minutes_simulated=30 + shift)
    first = first[first.cohort == "study"]
    drawn = first.assign(prior="nothing", minutes_simulated=50)[first.subject_id == DRAWN_SUBJECT]
    first = pd.concat([first[first.subject_id != DRAWN_SUBJECT], drawn])
    refined = own.assign(prior="first_round_masks", minutes_simulated=20)
    other = refined.assign(rater_id="D", changed_mm3=9999)
    return {"volume_effort_first": first, "volume_effort_refined": pd.concat([refined, other])}


def grades(rows: pd.DataFrame) -> pd.DataFrame:
    """Return graded volumes: bone is incomplete in every first sweep, never in truth."""
    test = rows[rows.split == "test"][["subject_id", "sweep_id"]]
    bone = np.where(test.sweep_id == "left_p_a", "incomplete_bone;holes", "")
    own = test.assign(group="test_only", poses="tracked", failures=bone, failures_of_truth="")
    own["grade_of_truth"] = "good"
    hard = own.assign(group="provoked", failures="motion_artefact")
    unknown = own.assign(group="remaining", subject_id="S900", grade_of_truth="")
    return pd.concat([own, own.assign(poses="predicted", failures=""), hard, unknown])


def learning_curve(model: str, rng) -> pd.DataFrame:
    """Return forty epochs; the high-resolution model's end is steady."""
    scale = 0.001 if model == "2.2" else 0.05
    dice = {f"dice_{name}": 0.6 + scale * rng.normal(size=40) for name in STRUCTURE_NAMES}
    return pd.DataFrame({"model_id": model, "epoch": np.arange(40), **dice})


def network_inputs(model: str) -> pd.DataFrame:
    """Return grey values: five channels of the 2.5D model; volumes are darker."""
    table = pd.DataFrame({"channel": range(5 if model == "2.3" else 1)})
    mean = 60.0 if model.startswith("3") else 120.0
    about = {"sd": 50.0, "labelled_mean": 130.0, "labelled_sd": 40.0}
    return table.assign(model_id=model, mean=mean, **about)
