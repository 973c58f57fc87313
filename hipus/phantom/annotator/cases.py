"""The simulated sweeps on which raters are compared and fitted.

Decides which infants and frames stand for the paper's double-blind re-annotation: all four
volumetric sweeps of a subject, every third frame (MIDL 2026 paper, section 5.2.1). Nothing
here is part of the study's cohort.
"""

from __future__ import annotations

import numpy as np

from hipus.phantom.acquisition.protocol import SIDES, read_protocol
from hipus.phantom.acquisition.recorder import record_infant
from hipus.phantom.anatomy.masks import label_points
from hipus.phantom.anatomy.population import draw_hip
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.annotator.agreement import RaterCase
from hipus.phantom.ultrasound.render import render_sweep
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.seeds import generator

#: Seed of the subjects on which `hipus.phantom.annotator.rater.TYPICAL` was fitted.
FIT_SEED = 20260101
#: Every third frame was annotated (MIDL 2026 paper, section 5.2.1).
FRAME_STEP = 3


def simulate_cases(
    seed: int,
    *,
    subjects: int = 2,
    shape_px: tuple[int, int] = (232, 256),
    sweep_types: tuple[str, ...] = ("p_a", "p_d"),
    sides: tuple[str, ...] = SIDES,
    frame_step: int = FRAME_STEP,
) -> list[RaterCase]:
    """Simulate sweeps with insonified truth for raters to annotate.

    Parameters
    ----------
    seed : int
    subjects : int
        Newborns with hips of type Ib, as most of the published cohort.
    shape_px : tuple of 2 int
        Rows and columns of a frame.
    sweep_types, sides : tuple of str
    frame_step : int
        Every how many frames of the probe's travel are taken.

    Returns
    -------
    list of RaterCase
        One per sweep, subjects outermost.
    """
    cases = []
    for number in range(subjects):
        name = f"rater-case-{number}"
        hips = {
            side: draw_hip(generator(seed, "anatomy", name, side), side=side).hip for side in sides
        }
        kinds = tuple(
            kind
            for kind in read_protocol()
            if kind.sweep_type in sweep_types and kind.side in sides
        )
        depths = {side: hip.shape.skin_height for side, hip in hips.items()}
        recorded = record_infant(seed, name, head_depth_mm=depths, kinds=kinds)
        scenes = {side: build_scene(hip, spacing_mm=0.5) for side, hip in hips.items()}
        for sweep_id, poses in recorded.items():
            side = poses.plan.kind.side
            cases.append(
                _render_case(
                    hips[side],
                    scenes[side],
                    poses,
                    shape_px=shape_px,
                    frame_step=frame_step,
                    rng=generator(seed, "ultrasound", name, sweep_id),
                )  # fmt: skip
            )
    return cases


def _render_case(hip, scene, poses, *, shape_px, frame_step: int, rng) -> RaterCase:
    """Render the annotated frames of one sweep."""
    settings = ProbeSettings(depth_mm=poses.session.depth_mm, shape_px=shape_px)
    indices = np.arange(len(poses))[poses.informative][::frame_step]
    rendered = render_sweep(
        scene,
        poses.T_image_to_hip[indices],
        settings,
        rng,
        labels=lambda points: label_points(hip, points),
        contact=poses.contact[indices],
    )
    return RaterCase(rendered.frames, rendered.masks, settings.pixel_mm, indices)
