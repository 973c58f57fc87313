"""The simulated cost of annotation: hand-worked sums, and what it was set by."""

from types import SimpleNamespace

import pytest

from hipus import paths, tables
from hipus.segmentation.effort import ASSUMED, Cost, Effort, effort

COST = Cost(minutes_per_slice=0.5, minutes_per_mm3=0.1, minutes_per_case=3.0)


def changed(voxels: int, slices: int) -> SimpleNamespace:
    """Return an annotation that says what it changed."""
    return SimpleNamespace(changed_voxels=voxels, touched_slices=slices)


def test_slices_voxels_and_the_case_add_up():
    # 3 + 4 x 0.5 + 40 x 0.25 x 0.1
    found = effort(changed(40, 4), voxel_mm3=0.25, cost=COST)
    assert found == Effort(40, 10.0, 4, pytest.approx(6.0))


def test_whoever_changes_nothing_has_looked():
    assert effort(changed(0, 0), voxel_mm3=1.0, cost=COST).minutes_simulated == 3.0


def test_finer_voxels_of_the_same_volume_cost_the_same_but_for_their_slices():
    coarse = effort(changed(100, 5), voxel_mm3=0.8, cost=COST)
    fine = effort(changed(800, 10), voxel_mm3=0.1, cost=COST)
    assert fine.changed_mm3 == pytest.approx(coarse.changed_mm3)
    assert fine.minutes_simulated - coarse.minutes_simulated == pytest.approx(2.5)


def test_the_assumed_cost_of_a_hip_from_nothing_is_the_thesis_time_for_one_muscle():
    claims = tables.read(paths.data_dir() / "published" / "thesis_text_claims.csv")
    hours = float(claims.set_index(claims.columns[0]).loc["T033", "value"])
    per_muscle = hours * 60 / (10 * 3)
    whole = effort(changed(30_400, 75), voxel_mm3=0.125, cost=ASSUMED)
    assert per_muscle == pytest.approx(50)
    assert whole.minutes_simulated == pytest.approx(per_muscle, rel=0.05)


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="voxel_mm3 must be positive, got 0"):
        effort(changed(1, 1), voxel_mm3=0)
    with pytest.raises(ValueError, match="touched_slices must be >= 0, got 5, -1"):
        effort(changed(5, -1), voxel_mm3=1.0)
    with pytest.raises(ValueError, match="minutes_per_mm3 must be >= 0 and finite, got -1"):
        Cost(0.1, -1, 2)
