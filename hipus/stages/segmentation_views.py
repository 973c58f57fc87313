"""Stage `segmentation_views`: slices and surfaces that figures of segmentation show.

Writes four small figure inputs: one labelled frame with what every model makes of that place
(the paper's figures 2 and 3), one volume through the rounds (figure 6), four hips by model 3.2
(figure 10), and its three worst test volumes. What is shown is chosen by rule from
`segmentation_cases`. Judges nothing. All pictures are simulated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, images, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.segmentation import networks
from hipus.segmentation.frame_label_files import label_file, read_frame_labels
from hipus.segmentation.sweep_volumes import StudySweep, open_study_sweep
from hipus.segmentation.volume_scores import CORRECTED, FRAME_MODELS, TEXT, TRUTH, read_on
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages import segmentation_view_parts as parts
from hipus.stages.motion_data import TEST_COHORT
from hipus.stages.segmentation_printed import STUDY_COHORT
from hipus.stages.segmentation_scores import prediction_file, reference_file

log = logging.getLogger(__name__)

STAGE = "segmentation_views"
FRAME, ROUNDS, HIPS, FAILURES = (
    "segmentation_frame",
    "segmentation_rounds",
    "segmentation_hips",
    "segmentation_failures",
)
#: Frames that the 2.5D model sees before and after its own.
_REACH = 2
_REFINED = networks.MODEL_3D_REFINED
#: Models whose volumes are shown in the plane of the frame.
_BESIDE_FRAME = (networks.MODEL_2_5D, networks.MODEL_3D_FIRST_ROUND, _REFINED)


def main(study: config.Study) -> Iterable[Path]:
    """Write the figure inputs; return the inputs."""
    path = paths.table_file(study.profile, "segmentation_cases")
    scores = tables.read(path, dtype=TEXT)
    if scores.empty:
        log.warning("%s SKIPPED: no test volume was judged", STAGE)
        for name in (FRAME, ROUNDS, HIPS, FAILURES):
            runner.write_figure_input(study, name, {})
        return []
    volumes = parts.judged(scores)
    own = volumes[volumes.cohort == STUDY_COHORT]
    test_only = volumes[volumes.cohort == TEST_COHORT]
    through, hips = parts.typical(own), parts.unique_hips(test_only)
    worst = volumes.iloc[: parts.FAILURES]
    runner.write_figure_input(study, FRAME, frame_view(study))
    runner.write_figure_input(study, ROUNDS, rounds_view(study, through))
    runner.write_figure_input(study, HIPS, hips_view(study, hips))
    runner.write_figure_input(study, FAILURES, failures_view(study, worst))
    shown = [through, *hips.values(), *(case for _, case in worst.iterrows())]
    results = paths.results_dir(study.profile)
    masks = {prediction_file(results, _REFINED, case) for case in shown}
    return [path, paths.table_file(study.profile, "frame_labels"), *sorted(masks)]


def frame_view(study: config.Study) -> dict[str, np.ndarray]:
    """Return one labelled test frame, and what models make of it and of its place.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict of str to numpy.ndarray
        (H, W) uint8 each: frame, truth, label, `frame_<model>` of the 2D models;
        volume_grey, volume_truth and `volume_<model>` in the frame's plane; pixel_side_mm, name.
    """
    row, sweep = _shown_sweep(study)
    position = int(row.frame_index) - sweep.first_frame
    labels = read_frame_labels(label_file(_frames_dir(study.profile), *row[SWEEP_KEY]))
    label = labels.masks[np.flatnonzero(labels.frame_index == row.frame_index)[0]]
    pictures = {"frame": sweep.frames[position], "truth": sweep.masks[position], "label": label}
    for model in FRAME_MODELS:
        pictures[f"frame_{model}"] = _segmented(study.profile, model, sweep, position)
    where = {"T_pixel_to_world": sweep.T_pixel_to_world[position], "shape_hw": label.shape}
    grey, masks = _volumes(study, row, {f"volume_{one}": one for one in _BESIDE_FRAME})
    pictures["volume_grey"] = parts.in_plane(grey, is_grey=True, **where)
    for name, mask in {**masks, "volume_truth": masks["truth"]}.items():
        if name != "truth":
            pictures[name] = parts.in_plane(_placed(mask, grey), **where)
    name = f"{row.subject_id}/{row.sweep_id} frame {row.frame_index}"
    return parts.thinned(pictures, sweep.pixel_spacing_xy_mm[0]) | {"name": np.array(name)}


def rounds_view(study: config.Study, case: pd.Series) -> dict[str, np.ndarray]:
    """Return one volume's masks from round to round.

    Parameters
    ----------
    study : Study
    case : pandas.Series
        As `segmentation_view_parts.judged`.

    Returns
    -------
    dict of str to numpy.ndarray
        Planes and surfaces of reconstructed (model 2.2, frame by frame), corrected, 3.1 and 3.2,
        planes of truth too, see `segmentation_view_parts.planes` and `surfaces`; name.
    """
    results = paths.results_dir(study.profile)
    models = {one: one for one in (networks.MODEL_3D_FIRST_ROUND, _REFINED)}
    grey, masks = _volumes(study, case, models)
    truth = read_mask(reference_file(results, TRUTH, case), scheme="hip")
    masks["reconstructed"] = read_on(mask_volumes.mask_file(results / "first_masks", case), truth)
    masks["corrected"] = read_on(reference_file(results, CORRECTED, case), truth)
    arrays = parts.planes(grey, masks, at_zyx=parts.head_centre(masks["truth"]))
    for name in ("reconstructed", "corrected", *models):
        arrays |= parts.surfaces(grey, masks[name], name=name)
    return arrays | {"name": _name(case)}


def hips_view(study: config.Study, cases: dict[str, pd.Series]) -> dict[str, np.ndarray]:
    """Return hips of both sides swept both ways, by model 3.2.

    Parameters
    ----------
    study : Study
    cases : dict of str to pandas.Series
        As `segmentation_view_parts.unique_hips` returns them.

    Returns
    -------
    dict of str to numpy.ndarray
        Planes, surfaces, `name` and `dice`, each after `<direction>_<side>_`.
    """
    arrays = {}
    for key, case in cases.items():
        grey, masks = _volumes(study, case, {_REFINED: _REFINED})
        own = parts.planes(grey, masks, at_zyx=parts.head_centre(masks["truth"]))
        own |= parts.surfaces(grey, masks[_REFINED], name=_REFINED)
        own |= {"name": _name(case), "dice": np.array(case.dice)}
        arrays |= {f"{key}_{name}": array for name, array in own.items()}
    return arrays


def failures_view(study: config.Study, cases: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the planes of volumes with most wrong voxels, by model 3.2.

    Parameters
    ----------
    study : Study
    cases : pandas.DataFrame
        The worst first.

    Returns
    -------
    dict of str to numpy.ndarray
        Planes, `name` and `dice`, each after `worst<place>_`, places from 1.
    """
    arrays = {}
    for place, (_, case) in enumerate(cases.iterrows(), start=1):
        grey, masks = _volumes(study, case, {_REFINED: _REFINED})
        at = parts.most_wrong(masks[_REFINED], masks["truth"])
        own = parts.planes(grey, masks, at_zyx=at)
        own |= {"name": _name(case), "dice": np.array(case.dice)}
        arrays |= {f"worst{place}_{name}": array for name, array in own.items()}
    return arrays


def _shown_sweep(study: config.Study) -> tuple[pd.Series, StudySweep]:
    """Return the labelled frame that is shown, and its sweep."""
    path = paths.table_file(study.profile, "frame_labels")
    labels = tables.read(path, dtype=TEXT)
    labels = labels[labels.split == "test"]
    cohort, rows = motion_data.cohort_of(study), motion_data.sweep_rows(study, is_needed=False)
    sweeps, valid = {}, {}
    for row in rows.merge(labels[SWEEP_KEY].drop_duplicates()).itertuples():
        key = (row.subject_id, row.sweep_id)
        sweeps[key] = open_study_sweep(cohort, row)
        valid[key] = sweeps[key].first_frame + np.flatnonzero(sweeps[key].is_valid)
    chosen = parts.shown_frame(labels, valid)
    return chosen, sweeps[chosen.subject_id, chosen.sweep_id]


def _segmented(profile: str, model_id: str, sweep: StudySweep, position: int) -> np.ndarray:
    """Return a model's labels of one frame, which it sees between its neighbours."""
    first = max(0, position - _REACH)
    spacing = tuple(reversed(sweep.pixel_spacing_xy_mm))
    frames = sweep.frames[first : position + _REACH + 1]
    segmenter = mask_volumes.segmenter(profile, model_id)
    return segmenter.segment_frames(frames, spacing_yx_mm=spacing)[position - first]


def _volumes(
    study: config.Study, case: pd.Series, models: dict[str, str]
) -> tuple[images.Volume, dict[str, np.ndarray]]:
    """Return a sweep's volume, and on its grid the truth and models' masks by given names."""
    results = paths.results_dir(study.profile)
    truth = read_mask(tables.existing(reference_file(results, TRUTH, case)), scheme="hip")
    masks = {"truth": truth.array}
    for name, model in models.items():
        masks[name] = read_on(prediction_file(results, model, case), truth)
    return mask_volumes.read_grey(study, case), masks


def _placed(array: np.ndarray, volume: images.Volume) -> images.Volume:
    return images.Volume(array, volume.spacing_zyx_mm, volume.origin_xyz_mm, volume.direction)


def _frames_dir(profile: str) -> Path:
    return paths.results_dir(profile) / "annotations" / "frames"


def _name(case: pd.Series) -> np.ndarray:
    return np.array(f"{case.subject_id}/{case.sweep_id}")


if __name__ == "__main__":
    runner.run(STAGE, main)
