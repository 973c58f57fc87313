"""What `hipus segment` does with each kind of input: frames, a volume, a sweep.

Decides which model takes which input, and in which grid a sweep is labelled. No command of its
own; deliberately writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import typer

from hipus.cli.segment_inputs import Kind, read_pictures, read_recording

#: Side of the voxels that a 2D model's masks are put into, as `hipus reconstruct` has it.
DEFAULT_SPACING_MM = 0.5


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be labelled, and what is known of it beside its file."""

    source: Path
    kind: Kind
    output: Path
    poses: Path | None
    spacing_mm: float | None
    pixel_xy_mm: tuple[float, float] | None
    calibration: np.ndarray | None
    side: str
    is_flipped: bool
    trims: bool
    masks_text: bool | None
    probe: str
    reference: str | None


@dataclass(frozen=True, eq=False)
class Labelled:
    """A mask (a `Volume`, frames, or a picture) and what is known of it."""

    mask: object
    facts: dict
    spacing_zyx_mm: tuple[float, float, float] | None = None
    grey: object = None


def labeller(segmenter, request: Request, *, wants_volume: bool, grey: Path | None):
    """Return what labels this input, or say why this model cannot."""
    from hipus.segmentation import application

    is_3d, name = application.labels_volumes(segmenter), segmenter.model.model_id
    if request.kind is Kind.VOLUME and not is_3d:
        raise ValueError(
            f"{request.source} is a volume, and model {name} labels frames: take model 3.1 or "
            "3.2, or give it pictures or a sweep"
        )
    is_sweep = request.kind in (Kind.SEQUENCE, Kind.SCAN)
    if (is_3d or wants_volume) and not is_sweep and request.kind is not Kind.VOLUME:
        raise ValueError(
            f"{request.source} holds pictures without poses ({request.kind.value}): a volume is "
            "made of a sweep (sequence metafile or TUS-REC scan); pictures go to model 2.1, 2.2 "
            "or 2.3, without --volume"
        )
    if is_sweep and (is_3d or wants_volume):
        return _label_sweep
    of_pictures = (request.pixel_xy_mm, request.is_flipped, request.masks_text)
    if request.kind is Kind.VOLUME and any(of_pictures):
        raise typer.BadParameter("--pixel-mm, --flipped and --mask-text are of pictures")
    of_sweeps = (request.poses, grey, request.side, request.trims, request.spacing_mm)
    if any(of_sweeps):
        raise typer.BadParameter(
            "--poses, --grey, --side, --trim and --spacing-mm are of a sweep that is put into a "
            "volume: by a 3D model, or with --volume"
        )
    return _label_volume if request.kind is Kind.VOLUME else _label_frames


def _label_volume(segmenter, request: Request) -> Labelled:
    """Label a volume from its file."""
    from hipus import images
    from hipus.segmentation import application

    images.check_suffix(request.output)
    volume = images.read(request.source)
    with _named(request.source):
        mask = application.label_volume(segmenter, volume)
    return Labelled(mask, {"input": "volume", **_place(mask)})


def _label_sweep(segmenter, request: Request) -> Labelled:
    """Put a sweep into a volume and label it, or label its frames and put these into one."""
    from hipus import images
    from hipus.segmentation import application
    from hipus.segmentation.sweep_volumes import make_sweep_volume

    images.check_suffix(request.output)
    sweep, is_3d = _opened(request), application.labels_volumes(segmenter)
    spacing_mm, masks = request.spacing_mm, None
    with _named(request.source):
        if is_3d:
            spacing_mm = spacing_mm or application.volume_spacing_mm(segmenter)
        else:
            spacing_yx_mm = sweep.pixel_spacing_xy_mm[::-1]
            labels = application.label_frames(segmenter, sweep.frames, spacing_yx_mm=spacing_yx_mm)
            masks = {"labels": labels}
        made = make_sweep_volume(sweep, spacing_mm=spacing_mm or DEFAULT_SPACING_MM, masks=masks)
        grey = made.placed(np.rint(made.grey).astype(np.uint8))
        if is_3d:
            mask = application.label_volume(segmenter, grey)
        else:
            mask = made.placed(made.labels["labels"])
    facts = {
        "input": "predicted poses" if request.poses else "tracked sweep",
        "frames_used": int(sweep.is_valid.sum()),
        "first_frame": sweep.first_frame,
        "last_frame": sweep.first_frame + len(sweep) - 1,
        "pictures_turned": sweep.is_flipped,
        "known_percent": 100.0 * float(made.is_known.mean()),
    }
    return Labelled(mask, facts | _place(mask), grey=grey)


def _opened(request: Request):
    """Return the sweep as the study opens its own."""
    from hipus.motion import pose_files
    from hipus.segmentation import application

    sweep = read_recording(
        request.source,
        is_tracked=request.poses is None,
        calibration=request.calibration,
        pixel_xy_mm=request.pixel_xy_mm,
        probe=request.probe,
        reference=request.reference,
        masks_text=bool(request.masks_text),
    )
    prediction = pose_files.read(request.poses, like=sweep) if request.poses else None
    with _named(request.source):
        return application.open_sweep(
            sweep,
            prediction=prediction,
            side=request.side,
            is_flipped=request.is_flipped,
            trims=request.trims,
        )


def _label_frames(segmenter, request: Request) -> Labelled:
    """Label the frames of a picture, a cine or a sweep."""
    from hipus import images
    from hipus.segmentation import application

    is_picture = request.output.suffix == ".png"
    if not is_picture:
        images.check_suffix(request.output)
    found = read_pictures(
        request.source,
        request.kind,
        pixel_xy_mm=request.pixel_xy_mm,
        calibration=request.calibration,
        masks_text=request.masks_text,
    )
    if is_picture and len(found.frames) > 1:
        raise ValueError(
            f"{request.output} holds one picture, and {request.source} has {len(found.frames)} "
            "frames: write .mha, .nii.gz or .nrrd"
        )
    with _named(request.source):
        labels = application.label_frames(
            segmenter,
            found.frames,
            spacing_yx_mm=found.spacing_yx_mm,
            is_turned=request.is_flipped,
            is_consecutive=found.is_consecutive,
        )
    facts = {
        "input": request.kind.value,
        "frames_total": len(labels),
        "frame_height_px": labels.shape[1],
        "frame_width_px": labels.shape[2],
        "pixel_spacing_xy_mm": found.spacing_yx_mm[::-1],
        "pixel_spacing_from": found.spacing_from,
        "masked_percent": found.masked_percent,
    }
    # Between frames there is no length: 1 stands there.
    spacing_zyx_mm = None if is_picture else (1.0, *found.spacing_yx_mm)
    return Labelled(labels[0] if is_picture else labels, facts, spacing_zyx_mm)


def called(model) -> str:
    """Return a model's name: the study's are called by their kind, added ones by their own."""
    return model.about.get("name", model.model_id)


def facts_of(done: Labelled, segmenter, *, origin: str) -> dict:
    """Return what was labelled by what, and how much of each structure there is."""
    model = segmenter.model
    array = getattr(done.mask, "array", done.mask)
    counts = np.bincount(array.ravel(), minlength=len(model.labels) + 1)
    unit, size = "pixels", None
    if hasattr(done.mask, "spacing_zyx_mm"):
        unit, size = "volume_mm3", float(np.prod(done.mask.spacing_zyx_mm))
    return {
        "model": called(model),
        "model_trained_on": model.about.get("origin", "not stated"),
        "scheme": model.about["scheme"],
        "origin": origin,
        **done.facts,
        f"structures_{unit}": {
            name: counts[value] * size if size else int(counts[value])
            for name, value in sorted(model.labels.items(), key=itemgetter(1))
        },
    }


def _place(volume) -> dict:
    """Return where a volume lies."""
    return {
        "shape_zyx": volume.array.shape,
        "spacing_xyz_mm": volume.spacing_zyx_mm[::-1],
        "origin_xyz_mm": volume.origin_xyz_mm,
    }


@contextmanager
def _named(source: Path) -> Iterator[None]:
    """Say in every complaint which file it is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
