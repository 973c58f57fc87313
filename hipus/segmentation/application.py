"""A trained model applied to what a person has: pictures, a volume, a sweep of any cohort.

Decides that a new sweep is turned, placed and put into a volume exactly as the study's own are,
so that a model sees what it was trained on; that a volume for model 3.1 is resized as its
training volumes were; and what each model must be given. Deliberately reads no files.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hipus.formats.mask_files import SCHEMES, scheme_name
from hipus.images import Volume
from hipus.motion.cleaning import TRAVEL_SIGN, kept_frames
from hipus.motion.poses import centre_poses
from hipus.motion.predictions import PosePrediction, as_recorded
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.segmentation import networks
from hipus.segmentation.first_round import segment_resized
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sweep_volumes import StudySweep, seen_from_middle
from hipus.sweep import Sweep
from hipus.sweep_cleaning import correct_flip, detect_flip


def open_model(folder: str | Path, *, is_fast: bool = False) -> Segmenter:
    """Read a model as the study applies it, and check that its numbers mean what they say.

    Parameters
    ----------
    folder : path-like
    is_fast : bool
        See each picture once. Left out: the mean over mirrored pictures, where the model was
        trained on such, which is nnU-Net's own way and takes 2 to 8 times as long.

    Returns
    -------
    Segmenter

    Raises
    ------
    FileNotFoundError, ValueError
        As `Segmenter.load`; for an unknown scheme, or a structure that has another number in
        it, or none.
    """
    segmenter = Segmenter.load(folder)
    _check_scheme(segmenter)
    axes = segmenter.model.plan.get("study", {}).get("mirror_axes", ())
    windows = replace(segmenter.windows, mirror_axes=() if is_fast else tuple(axes))
    return replace(segmenter, windows=windows)


def labels_volumes(segmenter: Segmenter) -> bool:
    """Return whether a model labels volumes; the others label frames."""
    return len(segmenter.windows.patch_size) == 3


def reach(segmenter: Segmenter) -> int:
    """Return how many frames before and after its own a model sees: 2 for model 2.3."""
    return (len(segmenter.model.plan["normalization_schemes"]) - 1) // 2


def volume_spacing_mm(segmenter: Segmenter) -> float:
    """Return the side of the voxels of the volumes that a 3D model was trained on.

    Parameters
    ----------
    segmenter : Segmenter

    Returns
    -------
    float
        mm. Training volumes are cubic; of model 3.1 only the depth keeps its spacing.
    """
    return float(segmenter.model.plan["spacing"][0])


def label_frames(
    segmenter: Segmenter,
    frames: np.ndarray,
    *,
    spacing_yx_mm,
    is_turned: bool = False,
    is_consecutive: bool = True,
) -> np.ndarray:
    """Label frames, turned back for the model where the probe was held turned.

    Parameters
    ----------
    segmenter : Segmenter
        Of model 2.1, 2.2 or 2.3.
    frames : numpy.ndarray (N, H, W)
        As recorded; consecutive for model 2.3, which sees the end frame repeated beyond an
        end of the sweep.
    spacing_yx_mm : sequence of 2 float
    is_turned : bool
        The probe was held turned by 180 degrees: frames are mirrored left to right.
    is_consecutive : bool
        The frames follow each other in a sweep; stills do not.

    Returns
    -------
    numpy.ndarray (N, H, W) uint8
        On the frames as recorded.

    Raises
    ------
    ValueError
        If the model sees neighbours and the frames have none, or as
        `Segmenter.segment_frames`.
    """
    if reach(segmenter) and (len(frames) == 1 or not is_consecutive):
        got = "one frame" if len(frames) == 1 else f"{len(frames)} stills without frame times"
        raise ValueError(
            f"model {segmenter.model.model_id} sees {reach(segmenter)} frames before and after "
            f"each: it needs the consecutive frames of a sweep, got {got}; take model 2.1 or 2.2"
        )
    seen = np.ascontiguousarray(frames[:, :, ::-1]) if is_turned else frames
    labels = segmenter.segment_frames(seen, spacing_yx_mm=spacing_yx_mm)
    return np.ascontiguousarray(labels[:, :, ::-1]) if is_turned else labels


def label_volume(segmenter: Segmenter, volume: Volume) -> Volume:
    """Label a volume.

    Parameters
    ----------
    segmenter : Segmenter
        Of model 3.1 or 3.2.
    volume : Volume
        Axes as in the study: z elevational, y axial, x lateral.

    Returns
    -------
    Volume
        uint8, on the grid that came in.

    Raises
    ------
    ValueError
        As `Segmenter.segment_volume`.

    Notes
    -----
    Training volumes of model 3.1 all had one number of rows and columns, so the median that
    its plans state is that number.
    """
    if segmenter.model.model_id == networks.MODEL_3D_FIRST_ROUND:
        rows, columns = segmenter.model.plan["median_image_size_in_voxels"][1:]
        labels = segment_resized(segmenter, volume.array, shape_yx=(int(rows), int(columns)))
    else:
        labels = segmenter.segment_volume(volume.array, spacing_zyx_mm=volume.spacing_zyx_mm)
    return replace(volume, array=labels)


def open_sweep(
    sweep: Sweep,
    *,
    prediction: PosePrediction | None = None,
    side: str = "",
    is_flipped: bool = False,
    trims: bool = False,
) -> StudySweep:
    """Return a sweep of any origin as the study opens its own.

    Parameters
    ----------
    sweep : Sweep
        Calibrated; or with the size of a pixel, where poses are predicted.
    prediction : PosePrediction, optional
        Then its frames and poses stand, and those of the sweep are not looked at.
    side : {"left", "right", ""}
        With it, a probe held turned is found by its travel.
    is_flipped : bool
        The probe is known to have been held turned.
    trims : bool
        Leave out the standstills at both ends; predicted sweeps have lost them already.

    Returns
    -------
    StudySweep
        Without truth.

    Raises
    ------
    ValueError
        If no frame has a pose, the size of a pixel is not known, the prediction is of frames
        that the sweep has not, or the sweep does not travel far enough to tell a turned probe.
    """
    if sweep.pixel_spacing_xy_mm is None:
        raise ValueError("the size of a pixel must be known to make a volume")
    if prediction is None:
        first, posed = _tracked(sweep, trims=trims)
    else:
        first, posed = prediction.first_frame, _predicted(sweep, prediction)
        is_flipped = is_flipped or prediction.is_flipped
    is_turned = is_flipped or bool(side and detect_flip(posed, TRAVEL_SIGN[side]))
    posed = correct_flip(posed) if is_turned else posed
    return StudySweep(
        subject_id="",
        sweep_id=sweep.sweep_id,
        side=side,
        sweep_type="",
        frames=np.ascontiguousarray(posed.frames[:]),
        masks=None,
        T_centre_to_world=seen_from_middle(centre_poses(posed)),
        time_s=posed.time_s,
        pixel_spacing_xy_mm=posed.pixel_spacing_xy_mm,
        first_frame=first,
        is_flipped=is_turned,
    )


def _tracked(sweep: Sweep, *, trims: bool) -> tuple[int, Sweep]:
    """Return a tracked sweep, cut where asked, and its first frame."""
    if not sweep.is_valid.any():
        raise ValueError(f"none of {len(sweep)} frames is tracked: give predicted poses")
    if sweep.T_pixel_to_probe is None:
        raise ValueError("a tracked sweep must be calibrated to make a volume")
    kept = kept_frames(sweep) if trims else slice(0, len(sweep))
    return kept.start, sweep.select(kept)


def _predicted(sweep: Sweep, prediction: PosePrediction) -> Sweep:
    """Return the predicted frames, the probe's frame put at the picture's centre."""
    kept = prediction.frames
    if kept.stop > len(sweep):
        raise ValueError(
            f"frames {kept.start} to {kept.stop - 1} are predicted, the sweep has {len(sweep)}"
        )
    return replace(
        sweep.select(kept),
        T_probe_to_reference=as_recorded(prediction).T_centre_to_first,
        is_valid=None,
        T_pixel_to_probe=pixel_to_centre(sweep.frames.shape[1:], sweep.pixel_spacing_xy_mm),
        reference="reference",
    )


def _check_scheme(segmenter: Segmenter) -> None:
    """Raise if a model's numbers mean something else than its scheme says."""
    model = segmenter.model
    name = scheme_name(model.about["scheme"])
    known = {label.name.lower(): int(label) for label in SCHEMES[name]}
    foreign = {key: value for key, value in model.labels.items() if known.get(key) != value}
    if foreign:
        raise ValueError(
            f"model {model.model_id}: labels {foreign} are not of scheme {name!r}, {known}"
        )
