"""`hipus info`, `hipus convert`, `hipus reconstruct`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit, refuse_input
from hipus.files import atomic_path


class Interpolation(StrEnum):
    """How a pixel is spread over voxels."""

    NEAREST = "nearest"
    LINEAR = "linear"


class Compounding(StrEnum):
    """What a voxel keeps of the pixels that reach it."""

    MEAN = "mean"
    MAX = "max"
    LATEST = "latest"


SweepPath = Annotated[Path, typer.Argument(help="Sweep: .igs.mha, .igs.mhd, .igs.nrrd or .h5.")]
Probe = Annotated[str, typer.Option(help="Name of the probe's frame in the file.")]
Reference = Annotated[str | None, typer.Option(help="What poses refer to; left out: Reference.")]


def info(sweep: SweepPath) -> None:
    """Say what a file holds: frames, times, transforms and their validity."""
    from hipus.cli import sources

    if sweep.suffix.lower() == sources.TUSREC_SUFFIX:
        emit(_sweep_facts(sources.read_sweep(sweep)))
        return
    emit(_sequence_facts(sources.read_sequence(sweep)))


def _sequence_facts(sequence) -> dict:
    """Return the facts of a sequence metafile."""
    transforms = {
        name: {"frames_ok": int(track.is_valid.sum()), "frames_total": len(sequence)}
        for name, track in sequence.transforms.items()
    }
    return {
        **_time_facts(sequence),
        "orientation_in_file": sequence.stored_orientation,
        "has_images": sequence.has_images,
        "transforms": transforms,
        "frame_fields": sorted(sequence.frame_fields),
        "header_fields": dict(sequence.fields),
    }


def _sweep_facts(sweep) -> dict:
    """Return the facts of a sweep without named transforms."""
    return {
        **_time_facts(sweep),
        "frames_valid": int(sweep.is_valid.sum()),
        "reference": sweep.reference,
        "pixel_spacing_xy_mm": sweep.pixel_spacing_xy_mm,
        "T_pixel_to_probe": sweep.T_pixel_to_probe,
    }


def _time_facts(recording) -> dict:
    """Return size, duration and rate, common to sweeps and sequences."""
    count, height, width = recording.frames.shape
    duration = float(recording.time_s[-1] - recording.time_s[0])
    return {
        "frames_total": count,
        "frame_height_px": height,
        "frame_width_px": width,
        "duration_s": duration,
        "frame_rate_hz": (count - 1) / duration if duration > 0 else None,
    }


def convert(
    source: Annotated[Path, typer.Argument(help="Sweep to read.")],
    target: Annotated[Path, typer.Argument(help="Sweep to write; its ending names the format.")],
    image_to_probe: Annotated[
        Path | None,
        typer.Option(help="Calibration to store: PLUS .xml, TUS-REC .csv or our .json."),
    ] = None,
    probe: Probe = "Probe",
    reference: Reference = None,
) -> None:
    """Convert between sequence metafiles (.mha, .mhd, .nrrd) and TUS-REC scans (.h5).

    Between sequence metafiles every transform, status and field is kept. Towards or from a
    TUS-REC scan the sweep is kept: frames, times and poses. A scan holds no calibration: it is
    written beside it, to SCAN.calib_matrix.csv, and read again by `--image-to-probe`.
    """
    from hipus.cli import sources
    from hipus.formats import metafile

    are_sequences = sources.is_sequence(source) and sources.is_sequence(target)
    if are_sequences and image_to_probe is None:
        sequence = sources.read_sequence(source)
        metafile.write(target, sequence)
        frames, written = len(sequence), [target]
    else:
        refuse_input(target, source, image_to_probe)  # not all of the source is kept
        calibration = sources.read_calibration(image_to_probe) if image_to_probe else None
        sweep = sources.read_sweep(
            source, probe=probe, reference=reference, calibration=calibration
        )
        frames, written = len(sweep), sources.write_sweep(sweep, target)
    emit({"written": written, "frames_total": frames})


def reconstruct(
    sweep: SweepPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="Volume to write, e.g. .mha.")],
    image_to_probe: Annotated[
        Path | None,
        typer.Option(help="PLUS .xml, TUS-REC .csv or our .json; left out: the sweep's own."),
    ] = None,
    spacing_mm: Annotated[str, typer.Option(help="Voxel side, one number or x,y,z.")] = "0.5",
    interpolation: Annotated[Interpolation, typer.Option()] = Interpolation.LINEAR,
    compounding: Annotated[Compounding, typer.Option()] = Compounding.MEAN,
    clip: Annotated[
        tuple[int, int, int, int] | None,
        typer.Option(metavar="X Y W H", help="Use this rectangle of the image only, in pixels."),
    ] = None,
    probe: Probe = "Probe",
    reference: Reference = None,
) -> None:
    """Reconstruct a volume from a tracked sweep.

    Frames whose chain of transforms is invalid are left out and counted. The extent is
    rounded as the present PLUS toolkit does it.
    """
    from hipus import images
    from hipus.cli import origins, sources

    images.check_suffix(output)
    refuse_input(output, sweep, image_to_probe)
    sides = _spacing(spacing_mm)
    calibration = sources.read_calibration(image_to_probe) if image_to_probe else None
    loaded = sources.read_sweep(sweep, probe=probe, reference=reference, calibration=calibration)
    if loaded.T_pixel_to_probe is None:
        raise ValueError(f"{sweep} holds no calibration: name one with --image-to-probe")
    kind = "maximum" if compounding is Compounding.MAX else compounding.value
    # The facts' place is taken first: an unwritable folder shows now, not after the work.
    with atomic_path(origins.facts_file(output)) as facts:
        result = _reconstructed(loaded, sides, clip, interpolation.value, kind)
        _write_volume(result, output)
        told = origins.origin_of(sweep, is_sequence=sources.is_sequence(sweep))
        emit(_volume_facts(result, output) | {"origin": told}, facts)


def _reconstructed(sweep, spacing_xyz_mm, clip, interpolation: str, compounding: str):
    """Return the reconstruction of a calibrated sweep, showing progress."""
    from hipus.cli.progress import Watched
    from hipus.reconstruction import grid, region, voxelisation

    shape_hw = tuple(sweep.frames.shape[1:])
    area = region.ImageRegion(*clip) if clip else region.ImageRegion.whole(shape_hw)
    area.mask(shape_hw)
    poses = sweep.T_pixel_to_reference
    voxels = grid.grid_around(poses, area, spacing_xyz_mm=spacing_xyz_mm)
    return voxelisation.voxelise(
        Watched(sweep.frames),
        poses,
        voxels,
        interpolation=interpolation,
        compounding=compounding,
        region=area,
    )


def _write_volume(result, output: Path) -> None:
    """Write a reconstruction as an image file."""
    from hipus import images

    volume = images.Volume(result.volume, result.grid.spacing_zyx_mm, result.grid.origin_xyz_mm)
    images.write(volume, output)


def _volume_facts(result, output: Path) -> dict:
    """Return what a reconstruction holds."""
    return {
        "volume": output.name,
        "frames_used": result.frames_used,
        "frames_left_out": result.frames_left_out,
        "frames_total": result.frames_used + result.frames_left_out,
        "shape_zyx": result.volume.shape,
        "spacing_xyz_mm": result.grid.spacing_xyz_mm,
        "origin_xyz_mm": result.grid.origin_xyz_mm,
        "hit_voxels_percent": 100.0 * float(result.is_hit.mean()),
    }


def _spacing(text: str) -> tuple[float, ...]:
    """Return the voxel sides that an option states."""
    try:
        sides = tuple(float(part) for part in text.split(","))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 3):
        raise typer.BadParameter(f"must be one number or three (x,y,z), got {text!r}")
    return sides * 3 if len(sides) == 1 else sides
