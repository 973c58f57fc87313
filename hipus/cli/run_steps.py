"""The steps of `hipus run`: each reads the files of those before it and writes its own.

Decides names and order of the files. Every number comes from what `hipus track`, `hipus segment`
and `hipus measure` use; deliberately defines nothing of its own.
"""

from __future__ import annotations

import json

import numpy as np

from hipus.cli import run_poses, run_rounding, run_sweeps
from hipus.cli.output import plain
from hipus.cli.run_folder import RECORD, Made, Step, fingerprints, folder_sha256
from hipus.cli.run_request import (
    FIGURE,
    MASK,
    MEASUREMENTS,
    MESHES,
    POSES,
    REPORT,
    ROUND_POSES,
    VOLUME,
    Run,
)


def steps_of(run: Run) -> list[Step]:
    """Return all steps of a run.

    Parameters
    ----------
    run : Run

    Returns
    -------
    list of Step

    Raises
    ------
    FileNotFoundError
        If the table of scales is missing.
    ValueError
        If the model labels no volumes, or the table has no rows for such hips.
    """
    from hipus import __version__, provenance

    if run.scales is not None:
        run.widen({})

    one, scales = run.recording, run.scales_used
    model = {"model": folder_sha256(run.model_folder), "is_fast": run.is_fast}
    rounding = {"made_round_by": model if run.makes_round else None}
    stated = {"side": one.side, "sweep_type": one.sweep_type, "spacing": one.spacing_xy_mm}
    code = {"version": __version__, "commit": provenance.commit()}
    motion = run.motion_folder and folder_sha256(run.motion_folder)
    widened = {"age_days": run.age_days, "scales": scales and fingerprints([scales])}
    parts = (
        ("poses", stated | code | {"motion_model": motion, "origin": run.origin}, make_poses),
        ("volume", {"spacing_mm": _spacing_mm(run)} | rounding, make_volume),
        ("masks", model, make_mask),
        ("meshes", {}, make_meshes),
        ("measurements", widened, measure),
        ("figure", {}, draw),
        ("report", {}, report),
    )
    return [
        Step(name, plain(depends), lambda make=make: make(run)) for name, depends, make in parts
    ]


def make_poses(run: Run) -> Made:
    """Write where the pictures lay: by a tracker or by a model."""
    found = run_poses.find_poses(run.recording, run.sweep, motion_folder=run.motion_folder)
    found.write(run / POSES)
    return Made((POSES,), found.facts)


def make_volume(run: Run) -> Made:
    """Put the sweep into a volume as the study does; predicted poses make the head round."""
    from hipus import images
    from hipus.motion import pose_files
    from hipus.segmentation.sweep_volumes import make_sweep_volume

    prediction = pose_files.read(run / POSES, like=run.sweep)
    placed = run_sweeps.place(run.recording, run.sweep, prediction)
    files, stretch = (VOLUME,), None
    if run.makes_round:
        found = run_rounding.make_round(placed, run.segmenter, spacing_mm=_spacing_mm(run))
        run_rounding.write(found, prediction, run / ROUND_POSES)
        placed, made, stretch = found.sweep, found.volume, found.stretch
        files = (VOLUME, ROUND_POSES)
    else:
        made = make_sweep_volume(placed, spacing_mm=_spacing_mm(run))
    images.write(made.placed(np.rint(made.grey).astype(np.uint8)), run / VOLUME)
    facts = {
        "shape_zyx": made.grey.shape,
        "spacing_xyz_mm": made.grid.spacing_xyz_mm,
        "first_frame": placed.first_frame,
        "last_frame": placed.first_frame + len(placed) - 1,
        "pictures_turned": placed.is_flipped,
        "known_percent": 100.0 * float(made.is_known.mean()),
        "made_round": None if stretch is None else vars(stretch),
    }
    return Made(files, facts)


def make_mask(run: Run) -> Made:
    """Label the volume, and say beside the mask what its numbers mean."""
    from hipus import images
    from hipus.cli.segment_labelling import called
    from hipus.formats.mask_files import sidecar_file, write_mask
    from hipus.segmentation import application

    model = run.segmenter.model
    mask = application.label_volume(run.segmenter, images.read(run / VOLUME))
    write_mask(mask, run / MASK, scheme=model.about["scheme"], made_by=f"model {called(model)}",
               of=run.recording.path.name, origin=run.origin)  # fmt: skip
    voxel_mm3 = float(np.prod(mask.spacing_zyx_mm))
    volumes = {
        name: float(np.count_nonzero(mask.array == value) * voxel_mm3)
        for name, value in model.labels.items()
    }
    trained_on = model.about.get("origin", "not stated")
    facts = {"model": called(model), "trained_on": trained_on, "volume_mm3": volumes}
    return Made((MASK, sidecar_file(run / MASK).name), facts)


def make_meshes(run: Run) -> Made:
    """Write a surface for each structure that is there: STL, LPS, mm."""
    from hipus.formats.mask_files import read_mask
    from hipus.morphometry.meshes import LEAST_VOXELS, make_mesh, write_mesh

    mask, files, missing = read_mask(run / MASK), [], []
    for label in mask.labels:
        name = label.name.lower()
        if not label:
            continue
        if np.count_nonzero(mask.array == label) < LEAST_VOXELS:
            missing.append(name)
            continue
        files.append(f"{MESHES}/{name}.stl")
        write_mesh(make_mesh(mask.volume, label, name), run / files[-1])
    return Made(tuple(files), {"space": "LPS", "units": "mm", "not_labelled": missing})


def measure(run: Run) -> Made:
    """Measure the hip, and write what `hipus measure` writes."""
    from hipus.cli import measure_numbers, measure_report
    from hipus.files import write_text

    one = run.measured
    told = {"disclaimer": measure_report.DISCLAIMER, "source": run.recording.path.name}
    about = measure_report.about(one.found, run / MASK, run / VOLUME)
    content = told | about | measure_report.volume_report(one.hip, one.graf_type, one.asked)
    content["uncertainty"] |= {"intervals": one.intervals}
    stretch = run.step_facts("volume")["made_round"]
    content["poses"] = run.step_facts("poses") | {
        "made_round": None if stretch is None else stretch["stretch"]
    }
    content["made_by"] |= {"command": "hipus run", "models": _models(run)}
    content["made_by"]["inputs"] |= fingerprints(run_sweeps.input_files(run.recording))
    write_text(run / MEASUREMENTS, json.dumps(plain(content), indent=2) + "\n")
    facts = {
        "measures": {name: str(measure) for name, measure in one.hip.measures.items()},
        "graf_type": one.graf_type.name,
        "refusal": measure_numbers.why_nothing([one.hip.measures]),
    }
    return Made((MEASUREMENTS,), facts)


def draw(run: Run) -> Made:
    """Draw the construction in the Graf plane."""
    from hipus.cli import measure_drawing, measure_report

    one = run.measured
    side = measure_drawing.side_words(measure_report.side_report(one.hip, one.asked.side))
    words = (run.recording.path.name, side)
    drawn = measure_drawing.draw_volume(one.found, one.hip, one.graf_type, words=words)
    measure_drawing.save(drawn, run / FIGURE)
    return Made((FIGURE,))


def report(run: Run) -> Made:
    """Write the one-page report."""
    from hipus.report.hip_page import write_hip_page

    record = json.loads((run / RECORD).read_text(encoding="utf-8"))
    write_hip_page(run.folder, run / REPORT, steps=record["steps"])
    return Made((REPORT,))


def _spacing_mm(run: Run) -> float:
    """Return the side of the voxels that the 3D model was trained on."""
    from hipus.segmentation import application

    return application.volume_spacing_mm(run.segmenter)


def _models(run: Run) -> dict:
    """Return which models were applied, by SHA-256 of their folders."""
    applied = {"masks": run.model_folder, "poses": run.motion_folder}
    return {
        what: {"name": folder.name, "sha256": folder_sha256(folder)}
        for what, folder in applied.items()
        if folder is not None
    }
