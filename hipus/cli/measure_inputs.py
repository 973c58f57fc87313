"""What `hipus measure` measures: labels with their scale, and the pictures behind them.

Decides whether labels are a volume or single pictures, which statement of a spacing is believed,
and that masks and pictures must belong together. Deliberately measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hipus.cli import segment_inputs
from hipus.cli.origins import origin_of
from hipus.cli.segment_inputs import DICOM_SUFFIXES, PICTURE_SUFFIXES, Kind
from hipus.formats.mask_files import LabelMask, read_mask
from hipus.images import Volume

#: What formats write where nobody knows a spacing, mm.
PLACEHOLDER_MM = 1.0
_SAME_PLACE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Measurable:
    """Labels to measure.

    Attributes
    ----------
    labels : numpy.ndarray (D, H, W) or (N, H, W) uint8
        A volume, or single pictures.
    scheme : {"hip", "stills"}
    is_volume : bool
    spacing_zyx_mm : tuple of 3 float or None
        Of pictures the first number means nothing; None where nothing tells a scale.
    spacing_from : str
        Who states it, or that nobody does.
    origin_xyz_mm, direction
        Where a volume lies.
    grey : numpy.ndarray or None
        Grey levels in the shape of the labels.
    origin : str
        "simulated", "recorded", or "" where nothing tells.
    labelled_by : dict
        Who made the labels.
    """

    labels: np.ndarray
    scheme: str
    is_volume: bool
    spacing_zyx_mm: tuple[float, float, float] | None
    spacing_from: str
    origin_xyz_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: np.ndarray = field(default_factory=lambda: np.eye(3))
    grey: np.ndarray | None = None
    origin: str = ""
    labelled_by: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Stated:
    """What options state.

    Attributes
    ----------
    scheme : {"hip", "stills"} or None
    spacing_xyz_mm : tuple of 2 or 3 float, or None
    are_pictures : bool
        The labels are single pictures even where they look like a volume.
    """

    scheme: str | None = None
    spacing_xyz_mm: tuple[float, ...] | None = None
    are_pictures: bool = False


def of_mask(mask_file: Path, source: Path | None, stated: Stated) -> Measurable:
    """Return a mask to measure, with the pictures that it labels where these are given.

    Parameters
    ----------
    mask_file : Path
    source : Path or None
        Volume, DICOM, picture or sweep that was labelled.
    stated : Stated

    Returns
    -------
    Measurable

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If nothing says what numbers mean, or mask and pictures do not belong together.
    """
    kind = segment_inputs.kind_of(source or mask_file)
    if source is None and kind in (Kind.DICOM, Kind.SEQUENCE, Kind.SCAN):
        raise ValueError(f"{mask_file} is no mask ({kind.value}): name --mask or --model")
    kind = kind if source else None
    mask = read_mask(mask_file, scheme=stated.scheme)
    labels = mask.array if mask.array.ndim == 3 else mask.array[None]
    is_volume = kind is Kind.VOLUME or (kind is None and not _are_pictures(mask, labels, stated))
    is_volume = is_volume and not stated.are_pictures
    grey, by_source = _grey(source, kind, labels.shape, mask)
    spacing, told_by = _spacing(stated, mask.spacing_zyx_mm, by_source, is_volume=is_volume)
    return Measurable(
        labels=labels,
        scheme=mask.scheme,
        is_volume=is_volume,
        spacing_zyx_mm=spacing,
        spacing_from=told_by,
        origin_xyz_mm=mask.origin_xyz_mm,
        direction=np.asarray(mask.direction),
        grey=grey,
        origin=mask.origin,
        labelled_by={"mask": mask_file.name, "made_by": mask.made_by, "of": mask.of},
    )


def of_model(source: Path, model: str, stated: Stated, *, side: str = "") -> Measurable:
    """Label a volume, a cine, a picture or a sweep by a model of the study.

    Parameters
    ----------
    source : Path
    model : str
        Name of a model, or its folder.
    stated : Stated
    side : {"left", "right", ""}
        Of a sweep: finds a probe held turned.

    Returns
    -------
    Measurable

    Raises
    ------
    FileNotFoundError, ValueError
        As `hipus segment`; if the model has another scheme than is stated.
    """
    from hipus.cli.segment_labelling import labeller
    from hipus.segmentation import application, stored_models

    kind = segment_inputs.kind_of(source)
    segmenter = application.open_model(stored_models.find(model, stored_models.NEWEST_FIRST))
    about = segmenter.model.about
    if stated.scheme not in (None, about["scheme"]):
        raise ValueError(
            f"model {model} labels by scheme {about['scheme']!r}, --labels says {stated.scheme!r}"
        )
    is_volume = application.labels_volumes(segmenter)
    request = _request(source, kind, stated, side if is_volume else "")
    done = labeller(segmenter, request, wants_volume=False, grey=None)(segmenter, request)
    origin = origin_of(source, is_sequence=kind is Kind.SEQUENCE)
    told = {"model": segmenter.model.model_id, "trained_on": about.get("origin", "not stated")}
    known = {"scheme": about["scheme"], "origin": origin, "labelled_by": told}
    return _of_volume(done, source, known) if is_volume else _of_pictures(done, request, known)


def _of_volume(done, source: Path, known: dict) -> Measurable:
    """Return a labelled volume."""
    from hipus import images

    mask, grey = done.mask, done.grey or images.read(source)
    spacing, told_by = _spacing(Stated(), mask.spacing_zyx_mm, None, is_volume=True)
    return Measurable(
        labels=mask.array,
        is_volume=True,
        spacing_zyx_mm=spacing,
        spacing_from=told_by,
        origin_xyz_mm=mask.origin_xyz_mm,
        direction=np.asarray(mask.direction),
        grey=grey.array,
        **known,
    )


def _of_pictures(done, request, known: dict) -> Measurable:
    """Return labelled pictures."""
    shown = segment_inputs.read_pictures(request.source, request.kind, for_network=False)
    return Measurable(
        labels=done.mask,
        is_volume=False,
        spacing_zyx_mm=done.spacing_zyx_mm,
        spacing_from=done.facts["pixel_spacing_from"],
        grey=shown.frames,
        **known,
    )


def _request(source: Path, kind: Kind, stated: Stated, side: str):
    """Return what `hipus segment` would be asked."""
    from hipus.cli import sources
    from hipus.cli.segment_labelling import Request

    calibration = sources.calibration_beside(source)
    is_sweep = kind in (Kind.SEQUENCE, Kind.SCAN)
    return Request(
        source=source,
        kind=kind,
        output=Path("mask.mha"),
        poses=None,
        spacing_mm=None,
        pixel_xy_mm=stated.spacing_xyz_mm and stated.spacing_xyz_mm[:2],
        calibration=sources.read_calibration(calibration) if calibration else None,
        side=side if is_sweep else "",
        is_flipped=False,
        trims=False,
        masks_text=None,
        probe="Probe",
        reference=None,
    )


def _are_pictures(mask: LabelMask, labels: np.ndarray, stated: Stated) -> bool:
    """Return whether a mask alone is one of single pictures."""
    is_of_pictures = mask.of.lower().endswith((*PICTURE_SUFFIXES, *DICOM_SUFFIXES))
    return len(labels) == 1 or mask.scheme == "stills" or is_of_pictures


def _grey(source: Path | None, kind: Kind | None, shape, mask: LabelMask):
    """Return grey levels of a mask, and the sides (y, x) of a pixel that their file states."""
    if source is None:
        return None, None
    if kind is Kind.VOLUME:
        from hipus import images

        volume = images.read(source)
        _check_shapes(volume.array.shape, shape, source)
        _check_place(volume, mask, source)
        return volume.array, None
    shown = segment_inputs.read_pictures(source, kind, for_network=False)
    _check_shapes(shown.frames.shape, shape, source)
    return shown.frames, shown.spacing_yx_mm


def _check_shapes(found, wanted, source: Path) -> None:
    if tuple(found) != tuple(wanted):
        raise ValueError(
            f"{source}: pictures must have the mask's shape {tuple(wanted)}, got {tuple(found)}"
        )


def _check_place(volume: Volume, mask: LabelMask, source: Path) -> None:
    """Raise if a mask is one of another volume of the same shape."""
    for name in ("spacing_zyx_mm", "origin_xyz_mm", "direction"):
        ours, theirs = (np.asarray(getattr(one, name), float) for one in (volume, mask))
        if not np.allclose(ours, theirs, atol=_SAME_PLACE_MM):
            raise ValueError(
                f"{source}: mask and volume must lie on one grid, {name} is {theirs.tolist()} "
                f"and {ours.tolist()}"
            )


def _spacing(stated: Stated, of_mask, of_source, *, is_volume: bool):
    """Return the spacing that is believed, and who states it."""
    told = stated.spacing_xyz_mm
    if told:
        return (told[2] if len(told) > 2 else told[0], told[1], told[0]), "--pixel-mm"
    if of_source is not None:
        return (PLACEHOLDER_MM, *of_source), "the pictures"
    counted = None if of_mask is None else of_mask if is_volume else of_mask[1:]
    if counted is None or all(side == PLACEHOLDER_MM for side in counted):
        return None, "nobody: 1 mm stands where none is known; state it with --pixel-mm"
    return tuple(of_mask), "the mask"
