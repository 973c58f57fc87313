"""Poses of a made sweep over a ball, moved until the ball is round again."""

import numpy as np
import pytest

from hipus.fusion.round_sweep import LABEL_SDS, make_head_round
from hipus.labels import HipLabel
from hipus.morphometry.head_stretch import PRIOR_SD
from hipus.segmentation.sweep_volumes import TRUTH_LABELS, StudySweep, make_sweep_volume

RADIUS_MM, PIXEL_MM, STEP_MM = 8.0, 0.4, 0.5
SHAPE_HW = (60, 64)


def sweep_over_ball(stretch: float, *, has_head=True) -> StudySweep:
    """Return a sweep along z over a ball; its poses say `1 / stretch` of the true way."""
    z = np.arange(-11.0, 11.01, STEP_MM)
    v, u = np.mgrid[: SHAPE_HW[0], : SHAPE_HW[1]]
    x, y = ((axis - (n - 1) / 2) * PIXEL_MM for axis, n in ((u, SHAPE_HW[1]), (v, SHAPE_HW[0])))
    inside = x**2 + y**2 + z[:, None, None] ** 2 < RADIUS_MM**2
    T = np.repeat(np.eye(4)[None], len(z), axis=0)
    T[:, 2, 3] = z / stretch
    return StudySweep(
        "S001", "left_p_d", "left", "p_d",
        frames=np.where(inside, 90, 160).astype(np.uint8),
        masks=np.where(inside & has_head, HipLabel.FEMORAL_HEAD, 0).astype(np.uint8),
        T_centre_to_world=T, time_s=np.arange(len(z)) / 20, pixel_spacing_xy_mm=(PIXEL_MM,) * 2,
        first_frame=0, is_flipped=False,
    )  # fmt: skip


def made(sweep: StudySweep, **options):
    return make_head_round(
        sweep,
        make_volume=lambda one: make_sweep_volume(one, spacing_mm=0.5),
        label=lambda volume: volume.labels[TRUTH_LABELS],
        scheme="hip",
        **options,
    )


def way_mm(sweep: StudySweep) -> float:
    return float(np.ptp(sweep.T_centre_to_world[:, 2, 3]))


@pytest.mark.parametrize("stretch", [1.15, 0.87])
def test_the_way_comes_closer_to_the_truth_by_what_labels_are_believed(stretch):
    wrong = sweep_over_ball(stretch)
    found = made(wrong)
    left = 1.0
    for label_sd, _, _ in LABEL_SDS:
        left *= 1 - PRIOR_SD[0] ** 2 / (PRIOR_SD[0] ** 2 + label_sd**2)
    assert found.stretch.stretch == pytest.approx(stretch - (stretch - 1) * left, abs=0.03)
    assert way_mm(found.sweep) == pytest.approx(way_mm(wrong) * found.stretch.stretch, rel=1e-6)


def test_a_true_sweep_stays():
    found = made(sweep_over_ball(1.0))
    assert found.stretch.stretch == pytest.approx(1.0, abs=0.01)
    assert found.labels.shape == found.volume.grey.shape


def test_a_volume_that_was_seen_is_not_made_again():
    sweep = sweep_over_ball(1.1)
    volume = make_sweep_volume(sweep, spacing_mm=0.5)
    calls = []

    def make(one):
        calls.append(one)
        return make_sweep_volume(one, spacing_mm=0.5)

    seen = make_head_round(
        sweep, make_volume=make, label=lambda one: one.labels[TRUTH_LABELS], scheme="hip",
        seen=(volume, volume.labels[TRUTH_LABELS]),
    )  # fmt: skip
    assert len(calls) == len(LABEL_SDS)
    assert seen.stretch == made(sweep).stretch


def test_without_a_head_poses_stay():
    sweep = sweep_over_ball(1.2, has_head=False)
    found = made(sweep)
    assert found.stretch.stretch == 1.0
    assert found.sweep is sweep
