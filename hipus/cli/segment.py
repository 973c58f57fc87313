"""`hipus segment`."""

from __future__ import annotations

import json
import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.motion import Side
from hipus.cli.origins import facts_file, origin_of
from hipus.cli.output import emit, refuse_input
from hipus.cli.segment_labelling import Labelled, Request, called, facts_of, labeller
from hipus.cli.sweeps import Probe, Reference


class Origin(StrEnum):
    """Where pictures come from."""

    SIMULATED = "simulated"
    RECORDED = "recorded"


Source = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGE|VOLUME|SWEEP",
        help="Picture, DICOM cine, volume (.mha, .nii.gz, .nrrd), or sweep (.igs.mha, .h5).",
    ),
]
Model = Annotated[str, typer.Option(help="2.1, 2.2, 2.3, 3.1, 3.2, or a model's folder.")]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Mask: .mha, .nii.gz, .nrrd; of one picture .png.")
]
Poses = Annotated[
    Path | None, typer.Option(help="Predicted poses of the sweep, as `hipus track` writes them.")
]
InVolume = Annotated[
    bool, typer.Option("--volume", help="Put the frame masks of a 2D model into a volume.")
]
Grey = Annotated[Path | None, typer.Option(help="Write the sweep's volume of grey values too.")]
SpacingMm = Annotated[
    float | None,
    typer.Option(help="Voxel side of a sweep's volume; left out: the 3D model's own, or 0.5."),
]
PixelMm = Annotated[
    str | None, typer.Option(help="Side of a pixel, one number or x,y, where the file has none.")
]
ImageToProbe = Annotated[
    Path | None, typer.Option(help="PLUS .xml, TUS-REC .csv or our .json; left out: its own.")
]
HipSide = Annotated[
    Side | None, typer.Option(help="Hip; finds a probe held turned by the way it went.")
]
Flipped = Annotated[
    bool, typer.Option("--flipped", help="The probe was held turned by 180 degrees.")
]
Trim = Annotated[bool, typer.Option("--trim", help="Leave out the standstills at both ends.")]
MaskText = Annotated[
    bool | None,
    typer.Option("--mask-text/--keep-text", help="Blacken what is drawn; left out: in DICOM."),
]
FromWhere = Annotated[
    Origin | None, typer.Option(help="Left out: what the file says, else recorded.")
]
Fast = Annotated[
    bool, typer.Option("--fast", help="Do not average over mirrored pictures, as the study does.")
]
Profile = Annotated[
    str | None, typer.Option(help="Where a model is looked for; left out: paper, then small.")
]


def segment(
    source: Source,
    model: Model,
    output: Output,
    poses: Poses = None,
    volume: InVolume = False,
    grey: Grey = None,
    side: HipSide = None,
    flipped: Flipped = False,
    trim: Trim = False,
    spacing_mm: SpacingMm = None,
    pixel_mm: PixelMm = None,
    image_to_probe: ImageToProbe = None,
    mask_text: MaskText = None,
    origin: FromWhere = None,
    probe: Probe = "Probe",
    reference: Reference = None,
    profile: Profile = None,
    fast: Fast = False,
) -> None:
    """Label the structures of a hip in pictures, in a volume, or in a sweep.

    2D models (2.1, 2.2, 2.3) label each frame, or with `--volume` put the labelled frames of
    a sweep into a volume. 3D models (3.1, 3.2) label a volume, or make one of a sweep first:
    by its tracked poses, or by `--poses`. The mask gets a sidecar that says what its numbers
    mean. Model 2.3 sees two frames before and after each; beyond an end of the sweep it sees
    the end frame again.
    """
    from hipus.cli import segment_inputs, sources
    from hipus.segmentation import application, stored_models

    kind = segment_inputs.kind_of(source)
    _check_outputs(output, grey, source, poses, image_to_probe)
    calibration = image_to_probe or sources.calibration_beside(source)
    request = Request(
        source=source,
        kind=kind,
        output=output,
        poses=poses,
        spacing_mm=_positive(spacing_mm),
        pixel_xy_mm=_sides(pixel_mm),
        calibration=sources.read_calibration(calibration) if calibration else None,
        side=side or "",
        is_flipped=flipped,
        trims=trim,
        masks_text=mask_text,
        probe=probe,
        reference=reference,
    )
    folder = stored_models.find(model, (profile,) if profile else stored_models.NEWEST_FIRST)
    segmenter = application.open_model(folder, is_fast=fast)
    label = labeller(segmenter, request, wants_volume=volume, grey=grey)
    done = label(segmenter, request)
    is_sequence = kind is segment_inputs.Kind.SEQUENCE
    told = origin.value if origin else origin_of(source, is_sequence=is_sequence)
    _write(done, segmenter, request, grey, origin=told)
    emit({"written": output, "model_folder": folder, **facts_of(done, segmenter, origin=told)})


def _write(done: Labelled, segmenter, request: Request, grey: Path | None, *, origin) -> None:
    """Write the mask with its sidecar, and the grey values where they are wanted."""
    from hipus import images
    from hipus.files import atomic_path, write_text
    from hipus.formats.mask_files import write_mask

    if grey is not None:
        with atomic_path(facts_file(grey)) as facts:
            images.write(done.grey, grey)
            told = {"volume": grey.name, "of": request.source.name, "origin": origin}
            write_text(facts, json.dumps(told, indent=2) + "\n")
    write_mask(
        done.mask,
        request.output,
        scheme=segmenter.model.about["scheme"],
        made_by=f"model {called(segmenter.model)}",
        of=request.source.name,
        origin=origin,
        spacing_zyx_mm=done.spacing_zyx_mm,
    )


def _check_outputs(output: Path, grey: Path | None, *inputs: Path | None) -> None:
    """Raise if an output would replace an input, or both are one file."""
    from hipus import images

    refuse_input(output, *inputs)
    if grey is not None:
        images.check_suffix(grey)
        refuse_input(grey, *inputs)
        if grey.resolve() == output.resolve():
            raise ValueError(f"--grey must not be the mask's own file, got {grey} for both")


def _positive(spacing_mm: float | None) -> float | None:
    """Return a voxel side that was given."""
    if spacing_mm is not None and not 0 < spacing_mm < math.inf:
        raise typer.BadParameter(f"--spacing-mm must be positive, got {spacing_mm}")
    return spacing_mm


def _sides(text: str | None) -> tuple[float, float] | None:
    """Return the sides of a pixel that an option states."""
    if text is None:
        return None
    try:
        sides = tuple(float(part) for part in text.split(","))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 2) or not all(0 < side < math.inf for side in sides):
        raise typer.BadParameter(f"--pixel-mm must be one or two positive numbers, got {text!r}")
    return sides * 2 if len(sides) == 1 else sides
