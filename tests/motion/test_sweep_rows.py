"""Rows of one predicted sweep: columns, units and what is refused."""

import numpy as np
import pandas as pd
import pytest

from hipus import geometry, rotations, tables
from hipus.formats import metafile
from hipus.motion.sweep_rows import MEASURES, SweepKey, frame_table, sweep_row

KEY = SweepKey(
    arm="identity",
    subject_id="S001",
    sweep_id="S001_left_p_a",
    sweep_type="p_a",
    side="left",
    truth="vs_tracker",
)


def poses(places_mm, turns_deg=None) -> np.ndarray:
    """Return poses of positions and rotation vectors."""
    turns = np.zeros((len(places_mm), 3)) if turns_deg is None else np.radians(turns_deg)
    return geometry.transform(rotations.from_rotation_vector(turns), np.array(places_mm, float))


@pytest.fixture
def true() -> np.ndarray:
    """Return three frames along the elevational axis."""
    return poses([[0, 0, 0], [0, 0, 1], [0, 0, 2]])


@pytest.fixture
def predicted() -> np.ndarray:
    """Return the same, 0.3 mm a step to the left, 0.4 mm too far, nodding to and fro."""
    places = [[0, 0, 0], [-0.3, 0, 1.4], [-0.6, 0, 2.8]]
    return poses(places, [[0, 0, 0], [2, 0, 0], [0, 0, 0]])


class TestRow:
    def test_columns_are_the_key_the_count_and_the_measures(self, predicted, true):
        row = sweep_row(predicted, true, key=KEY)
        keys = ["arm", "subject_id", "sweep_id", "sweep_type", "side", "truth", "variant"]
        assert list(row) == [*keys, "frame_spacing", "frame_count", *MEASURES]
        assert row["variant"] == "protocol"
        assert row["frame_spacing"] == 1.0
        assert row["frame_count"] == 3

    def test_absolute_and_final_errors_by_hand(self, predicted, true):
        row = sweep_row(predicted, true, key=KEY)
        expected = {
            "absolute_mm": 0.75,
            "absolute_lateral_mm": 0.45,
            "absolute_axial_mm": 0,
            "absolute_elevational_mm": 0.6,
            "absolute_deg": 1,
            "absolute_lateral_deg": 1,
            "absolute_axial_deg": 0,
            "final_mm": 1.0,
            "final_lateral_mm": 0.6,
            "final_elevational_mm": 0.8,
            "final_deg": 0,
            "final_rate_of_path_percent": 50,
            "path_mm": 2,
        }
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, abs=1e-9), name

    def test_components_are_absolute_and_the_bias_is_signed(self, true):
        predicted = poses([[0, 0, 0], [-0.3, 0.1, 0.9], [-0.6, 0, 2.0]])
        row = sweep_row(predicted, true, key=KEY)
        assert row["relative_lateral_mm"] == pytest.approx(0.3)
        assert row["bias_lateral_mm"] == pytest.approx(-0.3)
        assert row["relative_axial_mm"] == pytest.approx(0.1)
        assert row["bias_axial_mm"] == pytest.approx(0)
        assert row["relative_elevational_mm"] == pytest.approx(0.1)
        assert row["bias_elevational_mm"] == pytest.approx(0)
        lengths = [np.sqrt(0.09 + 0.01 + 0.01)] * 2
        assert row["relative_mm"] == pytest.approx(np.mean(lengths))

    def test_totals_are_lengths_not_sums_of_components(self, predicted, true):
        row = sweep_row(predicted, true, key=KEY)
        parts = [row[f"final_{axis}_mm"] for axis in ("lateral", "axial", "elevational")]
        assert row["final_mm"] == pytest.approx(np.linalg.norm(parts))

    def test_rows_make_a_table_that_survives_the_disk(self, predicted, true, tmp_path):
        table = pd.DataFrame([sweep_row(predicted, true, key=KEY)])
        path = tables.write(table, tmp_path / "motion_errors.csv", key=["arm", "sweep_id", "truth"])
        pd.testing.assert_frame_equal(tables.read(path), table, check_dtype=False, rtol=1e-8)

    def test_frames_of_unknown_truth_are_left_out_and_counted(self, predicted, true):
        true[2] = np.nan
        row = sweep_row(predicted, true, key=KEY)
        assert row["frame_count"] == 2
        assert row["final_mm"] == pytest.approx(0.5)


class TestFrameTable:
    def test_components_carry_signs_and_the_step_its_later_frame(self, predicted, true):
        table = frame_table(predicted, true)
        assert table["frame_index"].tolist() == [1, 2]
        np.testing.assert_allclose(table["absolute_lateral_mm"], [-0.3, -0.6])
        np.testing.assert_allclose(table["absolute_mm"], [0.5, 1.0])
        np.testing.assert_allclose(table["absolute_lateral_deg"], [2, 0], atol=1e-9)
        np.testing.assert_allclose(table["relative_lateral_deg"], [2, -2], atol=1e-9)

    def test_frames_behind_a_gap_have_no_step(self):
        true = poses([[0, 0, z] for z in range(5)])
        predicted = true.copy()
        true[2] = np.nan
        table = frame_table(predicted, true)
        assert table["frame_index"].tolist() == [1, 3, 4]
        assert table["relative_mm"].isna().tolist() == [False, True, False]

    def test_the_row_is_the_mean_of_the_frames(self, predicted, true):
        table, row = frame_table(predicted, true), sweep_row(predicted, true, key=KEY)
        for name in ("relative_mm", "absolute_mm", "absolute_deg"):
            assert row[name] == pytest.approx(table[name].mean())
        assert row["relative_lateral_mm"] == pytest.approx(
            table["relative_lateral_mm"].abs().mean()
        )


class TestTheIdentityPrediction:
    """Its drift is the distance from the first frame, whatever the sweep: a check of all parts."""

    def check(self, T_true: np.ndarray) -> None:
        """Assert what holds for every sweep without invalid frames."""
        still = np.broadcast_to(np.eye(4), T_true.shape)
        row = sweep_row(still, T_true, key=KEY)
        assert row["average_rate_of_distance_percent"] == pytest.approx(100)
        assert row["average_geodesic_rate_of_angle_percent"] == pytest.approx(100)
        assert row["final_mm"] == pytest.approx(row["distance_mm"])
        assert row["relative_mm"] * (len(T_true) - 1) == pytest.approx(row["path_mm"])
        assert row["relative_deg"] * (len(T_true) - 1) == pytest.approx(row["turning_deg"])
        assert row["maximum_drift_mm"] == pytest.approx(row["hausdorff_mm"])
        assert row["distance_mm"] <= row["path_mm"]

    def test_on_an_oblique_wandering_sweep(self, rng):
        turns = np.cumsum(rng.normal(0, 1, (15, 3)), axis=0) + [10, 40, -70]
        self.check(poses(np.cumsum(rng.normal([0, 0.2, 1], 0.3, (15, 3)), axis=0), turns))

    @pytest.mark.real
    def test_on_the_real_tracked_spine_phantom(self, real_file):
        """Its header holds no calibration, so the poses are of the probe."""
        sweep = metafile.read(real_file("plus/SpinePhantomFreehand.igs.mha")).to_sweep()
        self.check(sweep.T_probe_to_reference)


class TestRefusals:
    def test_a_prediction_that_stops_early_cannot_hide_its_drift(self, predicted, true):
        predicted[2] = np.nan
        message = "identity, S001 S001_left_p_a: 1 of 3 frames have a truth .* first frame 2"
        with pytest.raises(ValueError, match=message):
            sweep_row(predicted, true, key=KEY)

    def test_poses_that_cannot_be_compared_name_arm_and_sweep(self, predicted, true):
        with pytest.raises(ValueError, match="identity, S001 S001_left_p_a: T_predicted and T_"):
            sweep_row(predicted[:2], true, key=KEY)

    def test_an_unknown_truth(self):
        with pytest.raises(ValueError, match=r"truth must be one of .*, got 'tracker'"):
            SweepKey("a", "S001", "x", "p_a", "left", truth="tracker")
