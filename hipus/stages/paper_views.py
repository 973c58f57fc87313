"""Stage `paper_views`: what the paper's figures show beyond what other figures saved.

Decides which two annotated frames are shown (by rule, never by eye), and adds to what stages
`motion` and `segmentation_views` chose: the printed network's way and errors of the same three
sweeps, Dice of every round of the same volume, the truth's surfaces and the pelvis' axes of the
same four hips, the refined label in the plane of the same frame. Chooses nothing anew where a
choice is already saved, trains nothing and segments nothing. All of it is simulated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.labels import HipLabel
from hipus.motion.poses import mirrored
from hipus.motion.predictions import prediction_file as poses_file
from hipus.motion.predictions import read_prediction
from hipus.motion.preparation import TURN
from hipus.motion.sweep_rows import frame_table
from hipus.segmentation import networks
from hipus.segmentation.frame_label_files import label_file, read_frame_labels
from hipus.segmentation.sweep_volumes import StudySweep, open_study_sweep
from hipus.segmentation.volume_scores import CORRECTED, TEXT, TRUTH, read_on, score_volume
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages import segmentation_view_parts as parts
from hipus.stages.segmentation_scores import prediction_file, reference_file

log = logging.getLogger(__name__)

STAGE = "paper_views"
FRAMES, MOTION, ROUNDS, HIPS = "paper_frames", "paper_motion", "paper_rounds", "paper_hips"
INPUTS = (FRAMES, MOTION, ROUNDS, HIPS)
#: Figure inputs in which other stages chose what is shown.
_CHOSEN = ("motion_trajectories", "segmentation_frame", "segmentation_rounds", "segmentation_hips")
#: Folder of the printed network's predictions.
PRINTED = "published"
#: Table of the printed network's errors, frame by frame, as `motion_frames`.
FRAME_ERRORS = "paper_motion_frames"
#: Sweeps of which annotated frames are shown, as in the paper.
_SHOWN_TYPE = "p_a"
#: What must be seen in the first of the two frames; the second shows most of the last structure.
_FIRST_FRAME = (HipLabel.ILIUM, HipLabel.FEMORAL_HEAD, HipLabel.CHONDRO_OSSEOUS_BORDER)
_SECOND_FRAME = HipLabel.FEMORAL_CORTEX
_ROUND_MODELS = (networks.MODEL_3D_FIRST_ROUND, networks.MODEL_3D_REFINED)


def main(study: config.Study) -> Iterable[Path]:
    """Write the figure inputs and the table; return the inputs."""
    frames, read = frames_view(study)
    saved = {name: _saved(study, name) for name in _CHOSEN}
    if frames and saved["segmentation_frame"]:
        frames |= refined_view(study, saved["segmentation_frame"])
    motion, errors = motion_view(study, saved["motion_trajectories"])
    runner.write_figure_input(study, FRAMES, frames)
    runner.write_figure_input(study, MOTION, motion)
    runner.write_figure_input(study, ROUNDS, rounds_view(study, saved["segmentation_rounds"]))
    runner.write_figure_input(study, HIPS, hips_view(study, saved["segmentation_hips"]))
    runner.write_tables(study, {FRAME_ERRORS: (errors, ["order", "frame_index"])})
    return [*read, *(paths.figure_input_file(study.profile, name) for name in saved)]


def annotated_frames(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the two annotated frames that are shown.

    Parameters
    ----------
    labels : pandas.DataFrame
        Table `frame_labels`, at least one row.

    Returns
    -------
    pandas.DataFrame
        Two of one sweep. First, of sweeps from posterior to anterior, where there are any, the
        frame in which the smallest of ilium, head and border is largest. Second, that with most
        of the femoral cortex.
    """
    own = labels[labels.sweep_type == _SHOWN_TYPE]
    own = own if len(own) else labels
    least = own[[_pixels(label) for label in _FIRST_FRAME]].min(axis=1)
    first = own.assign(least=-least).sort_values(["least", *SWEEP_KEY, "frame_index"]).iloc[0]
    same = own[(own[SWEEP_KEY] == first[SWEEP_KEY]).all(axis=1)]
    cortex = same.sort_values([_pixels(_SECOND_FRAME), "frame_index"], ascending=[False, True])
    return pd.DataFrame([first.drop("least"), cortex.iloc[0]])


def frames_view(study: config.Study) -> tuple[dict[str, np.ndarray], list[Path]]:
    """Return two annotated frames with their labels, and the files that were read.

    Parameters
    ----------
    study : Study

    Returns
    -------
    (dict of str to numpy.ndarray, list of Path)
        frame_1, label_1, frame_2, label_2 (H, W) uint8, pixel_side_mm, name_1, name_2. Empty
        where nobody labelled a frame.
    """
    path = paths.table_file(study.profile, "frame_labels")
    table = tables.read(path, dtype=TEXT)
    if table.empty:
        log.warning("%s: no frame is labelled, so that no annotation is shown", STAGE)
        return {}, [path]
    rows = annotated_frames(table)
    key = tuple(rows.iloc[0][SWEEP_KEY])
    sweep = _opened(study, *key)
    stored = label_file(paths.results_dir(study.profile) / "annotations" / "frames", *key)
    labels = read_frame_labels(stored)
    pictures, names = {}, {}
    for place, index in enumerate(rows.frame_index.astype(int), start=1):
        pictures[f"frame_{place}"] = sweep.frames[index - sweep.first_frame]
        pictures[f"label_{place}"] = labels.masks[np.flatnonzero(labels.frame_index == index)[0]]
        names[f"name_{place}"] = np.array(f"{'/'.join(key)} frame {index}")
    return parts.thinned(pictures, sweep.pixel_spacing_xy_mm[0]) | names, [path, stored]


def refined_view(study: config.Study, shown: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the corrected 3D label in the plane of the frame that is shown with all models.

    Parameters
    ----------
    study : Study
    shown : mapping of str to array
        Figure input `segmentation_frame`.

    Returns
    -------
    dict of str to numpy.ndarray
        volume_corrected (H, W) uint8, thinned as the frame is. Empty without such a label.
    """
    sweep_name, index = str(shown["name"]).split(" frame ")
    case = _case(sweep_name)
    path = reference_file(paths.results_dir(study.profile), CORRECTED, case)
    if not path.is_file():
        return {}
    sweep = _opened(study, case.subject_id, case.sweep_id)
    mask = read_mask(path, scheme="hip").volume
    frame = int(index) - sweep.first_frame
    plane = parts.in_plane(mask, T_pixel_to_world=sweep.T_pixel_to_world[frame],
                           shape_hw=sweep.frames.shape[1:])  # fmt: skip
    thin = parts.thinned({"volume_corrected": plane}, sweep.pixel_spacing_xy_mm[0])
    return {"volume_corrected": thin["volume_corrected"]}


def motion_view(
    study: config.Study, shown: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the printed network's prediction of the three sweeps that are shown.

    Parameters
    ----------
    study : Study
    shown : mapping of str to array
        Figure input `motion_trajectories`.

    Returns
    -------
    (dict of str to numpy.ndarray, pandas.DataFrame)
        For n = 0, 1, ...: `T_printed_<n>` (N, 4, 4) in the first frame's axes, mirrored as the
        tracked ones are, and `side_<n>`; and their errors against the tracker frame by frame:
        order (from 1), name and the columns of `motion.sweep_rows.frame_table`. Both empty
        where that network was not run.
    """
    arrays, errors = {}, []
    folder = paths.results_dir(study.profile) / "motion_predictions" / PRINTED
    if shown and not folder.is_dir():
        log.warning("%s: %s is missing: the printed network is not shown", STAGE, folder)
    if not shown or not folder.is_dir():
        return {}, pd.DataFrame(columns=["order", "name", "frame_index"])
    rows = motion_data.cohort_of(study).sweeps.set_index(SWEEP_KEY)
    for n in range(sum(key.startswith("name_") for key in shown)):
        key = tuple((name := str(shown[f"name_{n}"])).split(" "))
        side = str(rows.loc[key].side)
        T = read_prediction(poses_file(folder, *key)).T_centre_to_first
        T = mirrored(T) if side == "left" else T
        arrays |= {f"T_printed_{n}": T, f"side_{n}": np.array(side)}
        part = frame_table(T, shown[f"T_tracked_{n}"])
        part.insert(0, "order", n + 1)
        part.insert(1, "name", name)
        errors.append(part)
    return arrays, pd.concat(errors, ignore_index=True)


def rounds_view(study: config.Study, shown: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return Dice with what was insonified of every round's mask of the shown volume.

    Parameters
    ----------
    study : Study
    shown : mapping of str to array
        Figure input `segmentation_rounds`.

    Returns
    -------
    dict of str to numpy.ndarray
        `dice_<mask>`: the mean over the structures that have one.
    """
    if not shown:
        return {}
    results, case = paths.results_dir(study.profile), _case(str(shown["name"]))
    truth = read_mask(tables.existing(reference_file(results, TRUTH, case)), scheme="hip")
    masks = {
        "reconstructed": mask_volumes.mask_file(results / "first_masks", case),
        "corrected": reference_file(results, CORRECTED, case),
        **{model: prediction_file(results, model, case) for model in _ROUND_MODELS},
    }
    scores = {name: score_volume(read_on(path, truth), truth) for name, path in masks.items()}
    return {f"dice_{name}": np.array(np.nanmean([one.dice for one in own]))
            for name, own in scores.items()}  # fmt: skip


def hips_view(study: config.Study, shown: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the truth's surfaces of the shown hips, and how their pelvis lies in the volume.

    Parameters
    ----------
    study : Study
    shown : mapping of str to array
        Figure input `segmentation_hips`.

    Returns
    -------
    dict of str to numpy.ndarray
        Each after `<direction>_<side>_`: surfaces `truth_...` as stage segmentation_views has
        them, and `R_world_to_hip` (3, 3): the hip's axes are left, posterior, superior.
    """
    results, found = paths.results_dir(study.profile), {}
    for key in (key.removesuffix("_name") for key in shown if key.endswith("_name")):
        case = _case(str(shown[f"{key}_name"]))
        truth = read_mask(tables.existing(reference_file(results, TRUTH, case)), scheme="hip")
        own = parts.surfaces(truth.volume, truth.array, name="truth")
        own["R_world_to_hip"] = world_to_hip(study, case)
        found |= {f"{key}_{name}": array for name, array in own.items()}
    return found


def world_to_hip(study: config.Study, case: pd.Series) -> np.ndarray:
    """Return how the axes of a sweep's volume lie in the pelvis, from the simulation's truth.

    Parameters
    ----------
    study : Study
    case : pandas.Series
        subject_id and sweep_id.

    Returns
    -------
    numpy.ndarray (3, 3)
        A rotation: a volume's axes are those of the middle frame with a pose.

    Raises
    ------
    FileNotFoundError
        If the sweep has no truth.
    """
    truths = motion_data.cohort_of(study).folder / motion_data.TRUTH
    path = truths / case.subject_id / f"{case.sweep_id}.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: only a simulated cohort has truth")
    sweep = _opened(study, case.subject_id, case.sweep_id)
    known = np.flatnonzero(sweep.is_valid)
    with np.load(path) as truth:
        T_image_to_hip = truth["T_image_to_hip"][sweep.first_frame + known[len(known) // 2]]
    turn = TURN[:3, :3] if sweep.is_flipped else np.eye(3)
    return T_image_to_hip[:3, :3] @ turn


def _opened(study: config.Study, subject_id: str, sweep_id: str) -> StudySweep:
    """Return a sweep of the cohort, cut and turned as the study looks at it."""
    rows = motion_data.sweep_rows(study)
    row = rows[(rows.subject_id == subject_id) & (rows.sweep_id == sweep_id)].iloc[0]
    return open_study_sweep(motion_data.cohort_of(study), row)


def _saved(study: config.Study, name: str) -> dict[str, np.ndarray]:
    """Return a figure input of another stage."""
    with np.load(tables.existing(paths.figure_input_file(study.profile, name))) as stored:
        return dict(stored)


def _case(name: str) -> pd.Series:
    """Return the keys of a sweep that is named `subject/sweep`."""
    return pd.Series(dict(zip(SWEEP_KEY, name.split("/"), strict=True)))


def _pixels(label: HipLabel) -> str:
    """Return the column of `frame_labels` that counts a structure."""
    return f"pixels_{label.name.lower()}"


if __name__ == "__main__":
    runner.run(STAGE, main)
