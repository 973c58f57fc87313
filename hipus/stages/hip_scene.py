"""Stage `hip_scene`: what the turning hip of the report shows, small enough to be kept in git.

Decides which hips are shown: of sweeps placed without tracking and labelled by model 3.2, one
mature and one dysplastic, each the one whose alpha errs by the median, so that neither the best
nor the worst is seen. Where nothing has a truth, a hospital's hip of the median alpha stands
alone, as its stored volume has it. Measures by the study's own surfaces and nothing anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, hip_planes, images, paths, tables
from hipus.images import Volume
from hipus.morphometry.graf_types import type_rows
from hipus.morphometry.hip_shape import FoundHip
from hipus.morphometry.label_volume import VolumeRefused
from hipus.segmentation.sweep_volumes import TRUTH_LABELS
from hipus.stages import mask_volumes, motion_data, runner
from hipus.stages.hip_cells import MODEL_ID, MODEL_MASKS, TRUTH_MASKS, place_sweep
from hipus.stages.hip_intervals import LEVEL
from hipus.stages.model_masks import masks_dir
from hipus.stages.placed_sweeps import PREDICTED, TRUE

log = logging.getLogger(__name__)

STAGE = "hip_scene"
READS = "hip_errors"
SHOWN_TYPE, MATURE, DYSPLASTIC = "p_d", "mature", "dysplastic"
#: Measures of alpha and where their planes lie, head radii behind the Graf plane.
ALPHAS = {"alpha_anterior_deg": -hip_planes.FACING_RADII, "alpha_deg": 0.0,
          "alpha_posterior_deg": hip_planes.FACING_RADII}  # fmt: skip
SWEEP = ["subject_id", "sweep_id"]
#: Vertices are kept in whole hundredths of a millimetre.
VERTEX_MM = 0.01


@dataclass(frozen=True, eq=False)
class Way:
    """One way in which a hip is seen.

    Attributes
    ----------
    masks : {"truth", "model"}
    poses : str
        "true", "predicted", or "stored" for a volume as it lies on disk.
    grey, labels : Volume
    """

    masks: str
    poses: str
    grey: Volume
    labels: Volume


def main(study: config.Study) -> Iterable[Path]:
    """Write the figure input; return the inputs."""
    path = paths.table_file(study.profile, READS)
    errors = tables.read(path, dtype=dict.fromkeys(SWEEP, str))
    chosen = chosen_sweeps(errors)
    if chosen:
        content = _simulated(study, errors, chosen)
    else:
        content = _stored(study)
    if not content:
        log.warning("%s SKIPPED: no hip was measured, and no stored volume shows one", STAGE)
    runner.write_figure_input(study, STAGE, content)
    return [path]


def chosen_sweeps(errors: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the sweeps that are shown.

    Parameters
    ----------
    errors : pandas.DataFrame
        Table hip_errors.

    Returns
    -------
    dict of str to (subject_id, sweep_id)
        For each kind of hip the p_d sweep with the median error of alpha by the model's masks
        and predicted poses, of those that truth's masks by true poses can measure too; kinds
        of which there is none are left out.
    """
    rows = errors[(errors.measure == "alpha_deg") & (errors.sweep_type == SHOWN_TYPE)]
    rows = rows[rows.cohort.isin(["test", "dysplastic"])].dropna(subset="value")
    known = rows[(rows.poses == TRUE) & (rows.masks == TRUTH_MASKS)][SWEEP]
    rows = rows[(rows.poses == PREDICTED) & (rows.masks == MODEL_MASKS)].merge(known, on=SWEEP)
    least = min(row.alpha_deg[0] for row in type_rows() if row.name == "Ib")
    kinds = {MATURE: rows[rows.truth >= least], DYSPLASTIC: rows[rows.truth < least]}
    found = {}
    for kind, part in kinds.items():
        part = part.assign(off=part.error.abs()).sort_values(["off", *SWEEP])
        if len(part):
            row = part.iloc[(len(part) - 1) // 2]
            found[kind] = (row.subject_id, row.sweep_id)
    return found


def _simulated(study: config.Study, errors: pd.DataFrame, chosen) -> dict:
    """Return the scene of simulated hips, truth beside the model."""
    cohort = motion_data.cohort_of(study)
    rows = motion_data.sweep_rows(study).set_index(SWEEP, drop=False)
    content = about([f"{kind} {'/'.join(key)}" for kind, key in chosen.items()], _origin(study))
    for number, key in enumerate(chosen.values()):
        row = rows.loc[key]
        ways = _ways(place_sweep(row, study=study, cohort=cohort, masks=(TRUTH_MASKS,)))
        mine = errors[(errors[SWEEP] == list(key)).all(axis=1)]
        content |= hip_arrays(number, row.side, ways, errors=mine)
    return content


def _ways(placed) -> list[Way]:
    """Return truth by true poses, and the model by predicted ones; nothing after is made."""
    found = []
    for one in placed:
        grey = one.volume.placed(np.rint(one.volume.grey).astype(np.uint8))
        if one.poses == TRUE:
            labels = one.volume.placed(one.volume.labels[TRUTH_LABELS])
            found.append(Way(TRUTH_MASKS, TRUE, grey, labels))
        if one.poses == PREDICTED:
            labels = one.volume.placed(one.model_labels)
            return [*found, Way(MODEL_MASKS, PREDICTED, grey, labels)]
    raise ValueError(f"a sweep must be placed by {PREDICTED} poses, got {len(found)} other kinds")


def _stored(study: config.Study) -> dict:
    """Return the scene of the stored test volume whose alpha is the median; {} if none is."""
    folder, seen = masks_dir(study.profile) / MODEL_ID, []
    for row in mask_volumes.volume_cases(study).itertuples():
        path = mask_volumes.mask_file(folder, row)
        if not path.is_file():
            continue
        labels = images.read(path)
        try:
            alpha = hip_planes.plane_at(
                hip_planes.locate_hip(labels, side=row.side).shape, 0.0
            ).alpha_deg.value
        except VolumeRefused as why:
            log.info("%s/%s is not shown: %s", row.subject_id, row.sweep_id, why)
            continue
        if alpha is not None:
            seen.append((alpha, row.subject_id, row.sweep_id, row, labels))
    if not seen:
        return {}
    *_, row, labels = sorted(seen, key=lambda one: one[:3])[(len(seen) - 1) // 2]
    way = Way(MODEL_MASKS, "stored", mask_volumes.read_grey(study, row), labels)
    content = about([f"typical {row.subject_id}/{row.sweep_id}"], _origin(study))
    return content | hip_arrays(0, row.side, [way])


def _origin(study: config.Study) -> str:
    """Return what the cohort's hips are: "simulated" or "real"."""
    return "simulated" if study.cohort.source == "simulated" else "real"


def about(hips: list[str], origin: str) -> dict[str, np.ndarray]:
    """Return what is the same for all hips.

    Parameters
    ----------
    hips : list of str
        Kind, a space, subject/sweep.
    origin : {"simulated", "real"}

    Returns
    -------
    dict of str to numpy.ndarray
    """
    return {
        "hips": np.array(hips),
        "origin": np.array(origin),
        "pixel_mm": np.array(hip_planes.PIXEL_MM),
        "corner_mm": np.array(hip_planes.CORNER_MM),
        "vertex_mm": np.array(VERTEX_MM),
        "level": np.array(LEVEL),
    }


def hip_arrays(
    number: int, side: str, ways: list[Way], *, errors: pd.DataFrame | None = None
) -> dict[str, np.ndarray]:
    """Return what is shown of one hip.

    Parameters
    ----------
    number : int
        Of the hip, from 0 on; every name begins with it.
    side : {"left", "right"}
    ways : list of Way
    errors : pandas.DataFrame, optional
        Rows of table hip_errors of this sweep.

    Returns
    -------
    dict of str to numpy.ndarray
        `<n>_side`, `<n>_ways`, and of each way `<n>_<way>_...`: poses, radius_mm, posterior_mm
        (P,), alpha_deg (P,) with NaN where refusal (P,) says why, wing_mm and roof_mm
        (P, 2, 2), grey and labels (P, H, W); `<structure>_vertices` (V, 3) in `VERTEX_MM`,
        (lateral, posterior, superior), and `_faces`; with errors also calibrated_deg,
        lower_deg, upper_deg and truth_deg (P,), NaN where nothing is known.

    Raises
    ------
    VolumeRefused
        If a way shows no hip.
    """
    content = {"side": np.array(side), "ways": np.array([way.masks for way in ways])}
    for way in ways:
        found = hip_planes.locate_hip(way.labels, side=side)
        arrays = _planes(found, way) | _meshes(found)
        if errors is not None:
            arrays |= _judged(errors, way, len(arrays["posterior_mm"]))
        content |= {f"{way.masks}_{name}": array for name, array in arrays.items()}
    return {f"{number}_{name}": array for name, array in content.items()}


def _planes(found: FoundHip, way: Way) -> dict[str, np.ndarray]:
    """Return all planes of one way: sections and Graf's lines."""
    places = hip_planes.plane_places_mm(found.head.radius_mm)
    points = [hip_planes.section_points(found.axes, place) for place in places]
    planes = [hip_planes.plane_at(found.shape, place) for place in places]
    none, spacing = np.full((2, 2), np.nan), way.grey.spacing_zyx_mm
    alpha = [np.nan if (a := one.alpha_deg.value) is None else a for one in planes]
    return {
        "poses": np.array(way.poses),
        "radius_mm": np.array(found.head.radius_mm),
        "posterior_mm": places,
        "alpha_deg": np.array(alpha),
        "refusal": np.array([one.alpha_deg.refusal or "" for one in planes]),
        "wing_mm": np.stack([one.wing_mm for one in planes]).astype(np.float32),
        "roof_mm": np.stack(
            [none if one.roof_mm is None else one.roof_mm for one in planes]
        ).astype(np.float32),
        "grey": np.stack([hip_planes.grey_at(way.grey.array, spacing, one) for one in points]),
        "labels": np.stack([found.volume.labels_at(one) for one in points]).astype(np.uint8),
    }


def _meshes(found: FoundHip) -> dict[str, np.ndarray]:
    """Return all surfaces of one way."""
    arrays = {}
    for name, mesh in hip_planes.hip_surfaces(found).items():
        arrays[f"{name}_vertices"] = np.rint(mesh.vertices_mm / VERTEX_MM).astype(np.int16)
        arrays[f"{name}_faces"] = mesh.faces.astype(np.uint16)
    return arrays


def _judged(errors: pd.DataFrame, way: Way, count: int) -> dict[str, np.ndarray]:
    """Return calibrated alpha with its interval, and constructed truth, where they are known."""
    mine = errors[(errors.poses == way.poses) & (errors.masks == way.masks)]
    mine = mine.set_index("measure").reindex(ALPHAS)
    places = np.rint(np.array(list(ALPHAS.values())) / hip_planes.PLANE_STEP_RADII).astype(int)
    found = {name: np.full(count, np.nan) for name in ("calibrated", "lower", "upper", "truth")}
    for name, values in found.items():
        values[places + hip_planes.PLANES_EACH_WAY] = mine[name].to_numpy(float)
    return {f"{name}_deg": values for name, values in found.items()}


if __name__ == "__main__":
    runner.run(STAGE, main)
