"""Stage `reconstruction`: is the reconstructed volume faithful, on a real tracked sweep?

Makes the PLUS toolkit's reference volumes again and compares; predicts single frames from
all others; saves one volume and the slices that the figures show.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, geometry, images, paths, tables
from hipus.files import atomic_path
from hipus.formats import metafile, plus_config
from hipus.reconstruction import plus_reference, reslicing
from hipus.reconstruction.grid import grid_around
from hipus.reconstruction.holes import fill_sticks
from hipus.reconstruction.neighbours import between_neighbours
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import Reconstruction, voxelise
from hipus.stages import runner

STAGE = "reconstruction"
CALIBRATION = "plus/PlusDeviceSet_SpinePhantomFreehandReconstructionOnly.xml"
SPACING_MM = 0.5
#: The part of the frames that shows the phantom; left and right of it they are black.
SONOGRAM = ImageRegion(192, 16, 432, 580)
_VIEWS = ("volume", "left_out", "posed_neighbours", "copied_neighbours")
_COLUMNS = {
    "reconstruction_agreement": ["reference", "equal_fraction", "correlation", "holds"],
    "reslice_errors": ["frame_index", *(f"{name}_absolute_error" for name in _VIEWS)],
}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure inputs, metrics and the volume; return the inputs."""
    names = {plus_reference.SEQUENCE, CALIBRATION}
    for reference in plus_reference.REFERENCES:
        names |= {reference.volume, reference.configuration}
    found = runner.real_inputs(study, STAGE, sorted(names))
    if found is None:
        _write_skip(study)
        return []
    remade = [
        plus_reference.reproduce(item, found.__getitem__) for item in plus_reference.REFERENCES
    ]
    agreement = plus_reference.table(remade)
    errors, shown = _reslice(study, found)
    runner.write_tables(
        study,
        {
            "reconstruction_agreement": (agreement, ["reference"]),
            "reslice_errors": (errors, ["frame_index"]),
        },
    )
    _write_volume(study, remade[-1])
    _write_figure_inputs(study, remade, shown)
    metrics = _metrics(agreement, errors)
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return list(found.values())


def _reslice(study: config.Study, found: dict[str, Path]):
    """Look at frames again through the volume; return the errors and one frame's pictures."""
    sequence = metafile.read(found[plus_reference.SEQUENCE])
    frames = np.asarray(sequence.frames[:])
    T = sequence.chain("Probe", "Reference") @ plus_config.read_transform(
        found[CALIBRATION], "Image", "Probe"
    )
    grid = grid_around(T, SONOGRAM, spacing_xyz_mm=SPACING_MM)
    made = voxelise(frames, T, grid, region=SONOGRAM)
    inner = np.arange(1, len(T) - 1)
    count = min(study.reconstruction.resliced_frames, len(inner))
    chosen = inner[np.linspace(0, len(inner) - 1, count).round().astype(int)].tolist()
    rows, shown = [], {}
    for index in chosen:
        views = _views(made, frames, T, index)
        rows.append(_error_row(index, frames[index], views, T))
        if index == chosen[count // 2]:
            shown = {"frame_index": np.array(index), "frame": frames[index], **views}
    return pd.DataFrame(rows), shown


def _views(made: Reconstruction, frames, T, index: int) -> dict[str, np.ndarray]:
    """Return a frame as the volume, its posed neighbours and their plain mean show it."""
    shape_hw = frames.shape[1:]
    volume = reslicing.reslice(
        made.volume, made.grid, T_pixel_to_world=T[index], shape_hw=shape_hw, is_hit=made.is_hit
    )
    left_out = reslicing.leave_one_out(
        frames, T, made.grid, frame_index=index, region=SONOGRAM, fill=fill_sticks
    )
    copies = (frames[index - 1].astype(np.float32) + frames[index + 1]) / 2
    return {
        "volume": volume.astype(np.float32),
        "left_out": left_out.predicted,
        "posed_neighbours": between_neighbours(frames, T, frame_index=index),
        "copied_neighbours": copies,
    }


def _error_row(index: int, frame: np.ndarray, views: dict[str, np.ndarray], T) -> dict:
    """Return the errors of every view of a frame, over the sonogram."""
    inside = SONOGRAM.mask(frame.shape) & np.isfinite(views["posed_neighbours"])
    centre = np.array([frame.shape[1] / 2, frame.shape[0] / 2, 0.0])
    steps = np.linalg.norm(np.diff(geometry.apply(T, centre[None])[:, 0], axis=0), axis=1)
    row = {"frame_index": index, "neighbour_distance_mm": steps[index - 1 : index + 1].mean()}
    for name, view in views.items():
        known = inside & np.isfinite(view)
        difference = view[known] - frame[known].astype(np.float32)
        row[f"{name}_known_percent"] = 100 * known.sum() / inside.sum()
        row[f"{name}_absolute_error"] = np.abs(difference).mean() if known.any() else np.nan
    return row


def _write_volume(study: config.Study, remade: plus_reference.Reproduction) -> None:
    """Write the linear mean volume that notebook 04 shows."""
    grid = remade.ours.grid
    volume = images.Volume(remade.ours.volume, grid.spacing_zyx_mm, grid.origin_xyz_mm)
    folder = paths.results_dir(study.profile) / "volumes"
    images.write(volume, folder / "spine_linear_mean.mha")


def _write_figure_inputs(study: config.Study, remade, shown: dict) -> None:
    """Save middle slices of ours and theirs, and one predicted frame."""
    arrays = {
        f"resliced_{name}": _sonogram(array) for name, array in shown.items() if array.ndim == 2
    }
    arrays["resliced_frame_index"] = shown["frame_index"]
    for number, item in enumerate(remade):
        middle = item.theirs.array.shape[0] // 2
        arrays[f"ours_{number}"] = item.ours.volume[middle]
        arrays[f"theirs_{number}"] = item.theirs.array[middle]
        arrays[f"name_{number}"] = np.array(item.reference.name)
    arrays["spacing_mm"] = np.array(SPACING_MM)
    runner.write_figure_input(study, STAGE, arrays)


def _sonogram(view: np.ndarray) -> np.ndarray:
    """Cut a view to the part that shows the phantom; unknown pixels are black."""
    rows = slice(SONOGRAM.v_px, SONOGRAM.v_px + SONOGRAM.height_px)
    columns = slice(SONOGRAM.u_px, SONOGRAM.u_px + SONOGRAM.width_px)
    return np.nan_to_num(view[rows, columns], nan=0).round().astype(np.uint8)


def _metrics(agreement: pd.DataFrame, errors: pd.DataFrame) -> dict:
    """Return the stage's headline numbers."""
    rows = agreement.set_index("reference")
    return {
        "references_that_hold": int(agreement["holds"].sum()),
        "references_total": len(agreement),
        "nearest_latest_equal_fraction": rows.loc["nearest latest", "equal_fraction"],
        "nearest_maximum_within_2_fraction": rows.loc[
            "nearest maximum", "within_tolerance_fraction"
        ],
        "nearest_mean_float_largest_difference": rows.loc[
            "nearest mean, float", "largest_difference_grey_levels"
        ],
        **{
            f"{name}_mean_absolute_error_grey_levels": errors[f"{name}_absolute_error"].mean()
            for name in _VIEWS
        },
        "left_out_known_percent": errors["left_out_known_percent"].mean(),
    }


def _write_skip(study: config.Study) -> None:
    """Write the form of a skip: every output, and nothing in it."""
    runner.write_empty(study, _COLUMNS)
    runner.write_figure_input(study, STAGE, {})
    tables.write_metrics({"references_total": 0}, paths.metrics_file(study.profile, STAGE))
    (paths.results_dir(study.profile) / "volumes").mkdir(parents=True, exist_ok=True)
    note = paths.results_dir(study.profile) / "volumes" / "skipped.txt"
    with atomic_path(note) as temporary:
        temporary.write_text("real open data absent\n", encoding="utf-8")


if __name__ == "__main__":
    runner.run(STAGE, main)
