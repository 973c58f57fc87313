"""`hipus measure`."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.evaluate import Scheme
from hipus.cli.motion import Side
from hipus.cli.output import emit, plain, refuse_input

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")

log = logging.getLogger(__name__)

Source = Annotated[
    Path,
    typer.Argument(
        metavar="MASK|VOLUME|DICOM",
        help="Mask (.mha, .nii.gz, .nrrd, .png); or what is labelled by --mask or --model.",
    ),
]
Report = Annotated[Path, typer.Option("--output", "-o", help="Report, .json.")]
MaskFile = Annotated[Path | None, typer.Option("--mask", help="Mask of VOLUME or DICOM.")]
Model = Annotated[
    str | None, typer.Option(help="Label it first: 2.1, 2.2, 2.3, 3.1, 3.2, or a model's folder.")
]
Labels = Annotated[
    Scheme | None, typer.Option(help="What numbers mean in a mask without a sidecar.")
]
HipSide = Annotated[
    Side | None, typer.Option(help="Hip; anatomy is asked all the same, and may contradict.")
]
FigureFile = Annotated[Path | None, typer.Option(help="Draw the construction: .png, .pdf or .svg.")]
PixelMm = Annotated[
    str | None,
    typer.Option(help="Side of a pixel or voxel, a number or x,y or x,y,z, if the file has none."),
]
Frames = Annotated[
    str | None,
    typer.Option(metavar="all|N", help="The mask is a stack of pictures: measure all, or one."),
]
AgeDays = Annotated[float | None, typer.Option(help="Age of the infant, for type II.")]
LabelSd = Annotated[
    float | None, typer.Option(help="SD of a label's outline; left out: 0.3. For intervals.")
]
PoseSd = Annotated[
    float | None, typer.Option(help="SD of where a volume's frames lie; left out: 0.")
]


def measure(
    source: Source,
    output: Report,
    mask: MaskFile = None,
    model: Model = None,
    labels: Labels = None,
    side: HipSide = None,
    figure: FigureFile = None,
    pixel_mm: PixelMm = None,
    frames: Frames = None,
    age_days: AgeDays = None,
    label_sd_mm: LabelSd = None,
    pose_sd_mm: PoseSd = None,
) -> None:
    """Measure a hip: Graf's angles and type, coverage, and in a volume its 3D measures.

    Every number has a unit and a 95 % interval, or a sentence that says why there is none.
    Cranial and side are told by anatomy. Spacing of 1 mm everywhere counts as unknown: angles
    and shares are measured, lengths are refused. Exit status 1 if nothing could be measured;
    the report then says why. Not a medical device.
    """
    from hipus.cli import measure_drawing, measure_inputs, measure_numbers, measure_report

    if mask is not None and model is not None:
        raise typer.BadParameter("name either --mask or --model")
    _check_outputs(output, figure, source, mask)
    stated = measure_inputs.Stated(
        None if labels is None else labels.value, _sides(pixel_mm), frames is not None
    )
    asked = measure_numbers.Asked(
        None if side is None else side.value, _age(age_days), _frame(frames),
        _uncertainty(label_sd_mm, pose_sd_mm),
    )  # fmt: skip
    if model is not None:
        found = measure_inputs.of_model(source, model, stated, side=asked.side or "")
    else:
        found = measure_inputs.of_mask(mask or source, source if mask else None, stated)
    if frames is not None and found.is_volume:
        raise ValueError(f"--frames is of pictures, and {source} is labelled as a volume")
    done = (_measure_volume if found.is_volume else _measure_pictures)(found, asked, source.name)
    about = measure_report.about(found, source, mask)
    told = {"disclaimer": measure_report.DISCLAIMER, "source": source.name}
    _write(output, told | about | done.report)
    if figure is not None:
        measure_drawing.save(done.draw(), figure)
    emit(told | {"written": output, "figure": figure, "origin": about["origin"]} | done.shown)
    if done.refusal:
        raise ValueError(f"{source}: nothing could be measured: {done.refusal}")


@dataclass(frozen=True, eq=False)
class _Done:
    """A report, what the terminal shows of it, its figure, and why it holds no number, or ""."""

    report: dict
    shown: dict
    draw: Callable[[], object]
    refusal: str


def _measure_volume(found, asked, name: str) -> _Done:
    """Measure a volume."""
    from hipus.cli import measure_drawing, measure_numbers, measure_report

    hip, graf_type = measure_numbers.measure_volume(found, asked)
    report = measure_report.volume_report(hip, graf_type, asked)
    side = report["side"]
    if "contradicts" in side:
        log.warning("%s: %s", name, side["contradicts"])
    return _Done(
        report,
        {"side": side} | _shown(hip.measures, graf_type, report["is_standard_plane"]),
        lambda: measure_drawing.draw_volume(
            found, hip, graf_type, words=(name, measure_drawing.side_words(side))
        ),
        measure_numbers.why_nothing([hip.measures]),
    )


def _measure_pictures(found, asked, name: str) -> _Done:
    """Measure pictures, and show the best."""
    from hipus.cli import measure_drawing, measure_numbers, measure_report

    sections = measure_numbers.measure_pictures(found, asked)
    best = measure_numbers.best_of(sections)
    shown = _shown(best.section.measures, best.graf_type, best.section.is_standard_plane)
    counts = {
        "frames_with_alpha": sum(not one.section.alpha_deg.is_refused for one in sections),
        "frames_total": len(found.labels),
        "best_frame_index": best.index,
    }
    return _Done(
        measure_report.pictures_report(sections, asked),
        counts | shown,
        lambda: measure_drawing.draw_picture(found, best, name=name),
        measure_numbers.why_nothing([one.section.measures for one in sections]),
    )


def _shown(measures, graf_type, is_standard_plane: bool) -> dict:
    """Return measures as a person reads them."""
    return {
        "measures": {name: str(measure) for name, measure in measures.items()},
        "graf_type": graf_type.name,
        "graf_type_notes": graf_type.notes,
        "is_standard_plane": is_standard_plane,
    }


def _write(target: Path, report: dict) -> None:
    """Write the whole report."""
    from hipus.files import write_text

    write_text(target, json.dumps(plain(report), indent=2) + "\n")


def _check_outputs(output: Path, figure: Path | None, *inputs: Path | None) -> None:
    """Raise if an output has a wrong ending or would replace a file of this run."""
    if output.suffix != ".json":
        raise ValueError(f"{output.name}: a report must end in .json")
    refuse_input(output, *inputs)
    if figure is None:
        return
    if figure.suffix not in FIGURE_SUFFIXES:
        raise ValueError(f"{figure.name}: a figure must end in one of {', '.join(FIGURE_SUFFIXES)}")
    refuse_input(figure, *inputs)


def _sides(text: str | None) -> tuple[float, ...] | None:
    """Return the sides (x, y and perhaps z) that an option states."""
    if text is None:
        return None
    try:
        sides = tuple(float(part) for part in text.split(","))
    except ValueError:
        sides = ()
    if not 1 <= len(sides) <= 3 or not all(0 < side < math.inf for side in sides):
        raise typer.BadParameter(f"--pixel-mm must be 1 to 3 positive numbers, got {text!r}")
    return sides * 3 if len(sides) == 1 else sides


def _frame(text: str | None) -> int | None:
    """Return the number of a picture; None for all."""
    if text is None or text == "all":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f"--frames must be all or a number, got {text!r}")
    return int(text)


def _age(days: float | None) -> float | None:
    if days is not None and not 0 <= days < math.inf:
        raise typer.BadParameter(f"--age-days must be at least 0, got {days}")
    return days


def _uncertainty(label_sd_mm: float | None, pose_sd_mm: float | None):
    """Return how uncertain labels and poses are."""
    from hipus.morphometry.volume_uncertainty import Uncertainty

    given = {"label_sd_mm": label_sd_mm, "pose_sd_mm": pose_sd_mm}
    return replace(Uncertainty(), **{name: sd for name, sd in given.items() if sd is not None})
