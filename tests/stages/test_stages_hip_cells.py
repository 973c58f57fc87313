"""One sweep's hip by all poses and masks: measures, drift and rounding known by construction."""

from dataclasses import replace

import made_hip_cohort as made
import numpy as np
import pandas as pd
import pytest

from hipus import geometry
from hipus.fusion.hip_errors import shell_targets
from hipus.labels import HipLabel
from hipus.stages import hip_cells, mask_volumes, motion_data

SWEEPS = [("S101", "left_p_a"), ("S101", "left_p_d"), ("S401", "right_p_d")]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the study of made hips, its volumes fine enough for angles."""
    for study in made.opened_hips(tmp_path_factory.mktemp("cells")):
        study.sweep_volumes.spacing_mm = 0.9
        yield study


@pytest.fixture(scope="module")
def cohort(study):
    """Return the cohort."""
    return motion_data.cohort_of(study)


@pytest.fixture(scope="module")
def measured(study, cohort) -> pd.DataFrame:
    """Return what three sweeps measure by truth and model, by subject, sweep, poses, masks."""
    rows = []
    for subject, sweep in SWEEPS:
        row = made.row_of(study, subject, sweep)
        found = hip_cells.measure_sweep(row, study=study, cohort=cohort, masks=("truth", "model"))
        rows += [{"subject_id": subject, "sweep_id": sweep} | one for one in found]
    return pd.DataFrame(rows).set_index(["subject_id", "sweep_id", "poses", "masks"])


@pytest.fixture(scope="module")
def placed(study, cohort) -> dict[str, hip_cells.Placed]:
    """Return one sweep placed by all poses."""
    row = made.row_of(study, "S101", "left_p_d")
    return {one.poses: one for one in hip_cells.place_sweep(row, study=study, cohort=cohort)}


class TestMeasures:
    def test_every_sweep_has_a_row_per_poses_and_masks(self, measured):
        for key in SWEEPS:
            found = list(measured.loc[key].index)
            assert found == [(p, m) for p in hip_cells.ALL_POSES for m in ("truth", "model")]
        names = {"pose_arm", *hip_cells.DRIFT, "stretch", *hip_cells.MEASURES, "alpha_refusal"}
        assert set(measured) == names

    @pytest.mark.parametrize("poses", ["true", "tracked"])
    @pytest.mark.parametrize(("subject", "sweep"), SWEEPS)
    def test_good_poses_measure_what_the_hip_was_made_with(self, measured, subject, sweep, poses):
        hip, row = (
            made.hip_of(subject, sweep.split("_")[0]),
            measured.loc[(subject, sweep)].loc[poses],
        )
        assert row.alpha_deg.to_numpy() == pytest.approx(hip.alpha_deg, abs=3.0)
        cover = row.femoral_head_coverage_percent.to_numpy()
        assert cover == pytest.approx(hip.coverage_percent, abs=2.5)
        assert row.head_radius_mm.to_numpy() == pytest.approx(hip.radius_mm, abs=0.1)
        assert (row.alpha_refusal == "").all()

    @pytest.mark.parametrize(("subject", "sweep"), SWEEPS)
    def test_a_flattened_head_is_too_small_and_rounding_mends_it(self, measured, subject, sweep):
        rows = measured.loc[subject, sweep].xs("model", level="masks")
        assert rows.head_radius_mm.predicted < 7.75
        assert rows.head_radius_mm.rounded == pytest.approx(8.0, abs=0.15)

    def test_a_network_that_sees_nothing_is_refused_and_rounds_nothing(
        self, study, cohort, monkeypatch
    ):
        monkeypatch.setattr(
            mask_volumes, "segment_volume", lambda _, __, grey: np.zeros_like(grey.array)
        )
        row = made.row_of(study, "S101", "left_p_a")
        found = hip_cells.measure_sweep(row, study=study, cohort=cohort, masks=("model",))
        table = pd.DataFrame(found).set_index("poses")
        assert table[list(hip_cells.MEASURES)].isna().all(axis=None)
        assert (table.alpha_refusal != "").all()
        assert table.stretch["rounded"] == 1.0
        drift = table[list(hip_cells.DRIFT)]
        pd.testing.assert_series_equal(
            drift.loc["rounded"], drift.loc["predicted"], check_names=False
        )


class TestDrift:
    @pytest.mark.parametrize(("subject", "sweep"), SWEEPS)
    def test_true_and_tracked_poses_do_not_drift(self, measured, subject, sweep):
        rows = measured.loc[subject, sweep].loc[["true", "tracked"], list(hip_cells.DRIFT)]
        assert rows.abs().max(axis=None) < 1e-6

    def test_the_end_is_off_by_what_the_steps_lack(self, measured):
        for subject, sweep in SWEEPS:
            steps = made.COUNT["_".join(sweep.split("_")[1:])] - 1
            lacks = steps * made.STEP_MM * (1 - made.SHARE)
            found = measured.loc[(subject, sweep)].final_drift_mm.loc["predicted"]
            assert found.to_numpy() == pytest.approx(lacks)

    def test_the_shape_is_off_by_the_shell_s_own_extent_along_the_way(self, measured):
        """A shell squeezed along one axis: the mean of what each point is moved by."""
        shell = shell_targets(np.zeros(3), 8.0)
        away = (1 - made.SHARE) * np.abs(shell[:, 2] - shell[:, 2].mean())
        found = measured.loc[("S101", "left_p_d")].head_shape_mm["predicted", "truth"]
        assert found == pytest.approx(away.mean(), rel=0.02)

    def test_rounding_takes_most_of_the_drift_away(self, measured):
        rows = measured.xs("model", level="masks")
        for name in hip_cells.DRIFT:
            after, before = (rows.xs(one, level="poses")[name] for one in ("rounded", "predicted"))
            assert (after < before / 4).all(), name

    def test_the_true_head_is_that_of_the_side(self, cohort, study):
        row = made.row_of(study, "S401", "right_p_d")
        centre, radius = hip_cells.true_head(cohort, row)
        assert (centre.tolist(), radius) == ([0.0, 0.0, 0.0], 8.0)


class TestRounding:
    def test_the_stretch_is_what_the_way_lacks_less_what_labels_cannot_tell(self, placed):
        stretch = placed["rounded"].stretch
        assert 1.1 < stretch.stretch < 1 / made.SHARE
        assert abs(stretch.lateral) < 0.03
        assert abs(stretch.axial) < 0.03

    def test_poses_are_moved_by_all_rounds_together(self, placed):
        before, after = placed["predicted"].sweep, placed["rounded"].sweep
        moved = placed["rounded"].stretch.apply(before.T_centre_to_world)
        np.testing.assert_allclose(after.T_centre_to_world, moved, atol=1e-9)
        np.testing.assert_array_equal(after.frames, before.frames)

    def test_the_moved_volume_is_labelled_anew(self, placed):
        rounded = placed["rounded"]
        assert rounded.model_labels.shape == rounded.volume.grey.shape
        np.testing.assert_array_equal(rounded.model_labels, rounded.volume.labels["truth"])
        assert rounded.volume.grey.shape[0] > placed["predicted"].volume.grey.shape[0]

    def test_other_poses_are_not_stretched(self, placed):
        assert [one.stretch for one in placed.values()][:3] == [None] * 3


class TestMasks:
    def test_where_no_model_is_asked_for_it_labels_predicted_poses_alone(self, study, cohort):
        row = made.row_of(study, "S101", "left_p_a")
        found = hip_cells.place_sweep(row, study=study, cohort=cohort, masks=("truth", "rater"))
        labelled = {one.poses: one.model_labels is not None for one in found}
        assert labelled == {"true": False, "tracked": False, "predicted": True, "rounded": True}

    def test_a_rater_draws_the_hip_not_quite_as_it_is_and_always_alike(self, placed, study):
        row = made.row_of(study, "S101", "left_p_d")
        first, again = (
            hip_cells.labels_of(placed["true"], "rater", row, study=study) for _ in range(2)
        )
        np.testing.assert_array_equal(first, again)
        truth = hip_cells.labels_of(placed["true"], "truth", row, study=study)
        drawn, true = (mask == HipLabel.FEMORAL_HEAD for mask in (first, truth))
        assert 0.8 < 2 * (drawn & true).sum() / (drawn.sum() + true.sum()) < 1.0

    def test_each_kind_of_poses_is_drawn_with_slips_of_its_own(self, placed, study):
        row = made.row_of(study, "S101", "left_p_d")
        same = replace(placed["true"], poses="tracked")
        first, other = (
            hip_cells.labels_of(one, "rater", row, study=study) for one in (placed["true"], same)
        )
        assert (first != other).any()

    def test_without_truth_nobody_can_draw(self, placed, study):
        row = made.row_of(study, "S101", "left_p_d")
        bare = replace(
            placed["true"],
            volume=replace(placed["true"].volume, labels={}),
            sweep=replace(placed["true"].sweep, masks=None),
        )
        for masks in ("truth", "rater"):
            with pytest.raises(KeyError, match="truth"):
                hip_cells.labels_of(bare, masks, row, study=study)


def test_grey_values_are_given_to_networks_where_the_volume_lies(placed):
    volume = placed["true"].volume
    grey = hip_cells.grey_of(volume)
    assert grey.array.dtype == np.uint8
    assert np.abs(grey.array - volume.grey).max() <= 0.5
    assert grey.spacing_zyx_mm == tuple(volume.grid.spacing_xyz_mm[::-1])
    assert geometry.apply(np.eye(4), np.array(grey.origin_xyz_mm)) == pytest.approx(
        volume.grid.origin_xyz_mm
    )
