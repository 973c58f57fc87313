"""Offsets and half-widths learned on calibration sweeps, and what they do to test sweeps."""

import made_hip_tables as made
import numpy as np
import pandas as pd
import pytest

from hipus import paths, tables
from hipus.stages import hip_intervals
from hipus.stages.hip_cells import MEASURES

MEASURED = {name: 50.0 + k for k, name in enumerate(MEASURES)}
CELL = ("p_a", "predicted", "model", "alpha_deg")


def calibration(errors) -> pd.DataFrame:
    """Return calibration rows whose values miss a truth of 60 deg so."""
    return made.errors_of(
        *({"subject_id": f"S{k:03d}", "error": error} for k, error in enumerate(errors))
    )


#: 19 of them: the least number for 95 %. Their median is 2, the farthest from it lies 9 away.
NINETEEN = 2.0 + np.arange(-9.0, 10.0)


class TestLongMeasures:
    @pytest.fixture
    def long(self):
        measured = pd.DataFrame([made.ROW | MEASURED]).drop(columns=["measure", "value", "truth"])
        frames = measured.drop(columns=["poses", "final_drift_mm", *MEASURES[1:]])
        frames = frames.assign(alpha_deg=np.nan, femoral_head_coverage_percent=44.0)
        hips = pd.DataFrame([{"subject_id": "S101", "side": side} | MEASURED
                             for side in ("left", "right")])  # fmt: skip
        return hip_intervals.long_measures(measured, frames, hips.replace(50.0, 61.0))

    def test_every_measure_of_a_volume_stands_beside_the_truth_of_its_hip(self, long):
        rows = long[long.poses == "predicted"].set_index("measure")
        assert sorted(rows.index) == sorted(MEASURES)
        assert rows.value.to_dict() == MEASURED
        assert rows.truth.alpha_deg == 61.0
        assert rows.drop("alpha_deg").eval("truth == value").all()

    def test_a_frame_has_the_measures_that_a_frame_gives_and_no_more(self, long):
        rows = long[long.poses == hip_intervals.BEST_FRAME].set_index("measure")
        assert sorted(rows.index) == ["alpha_deg", "femoral_head_coverage_percent"]
        assert np.isnan(rows.value.alpha_deg)
        assert rows.value.femoral_head_coverage_percent == 44.0
        assert rows.final_drift_mm.isna().all()

    def test_a_hip_with_two_truths_is_refused(self):
        measured = pd.DataFrame([made.ROW | MEASURED]).drop(columns=["measure", "value", "truth"])
        hip = pd.DataFrame([{"subject_id": "S101", "side": "left"} | MEASURED] * 2)
        with pytest.raises(pd.errors.MergeError, match="not a many-to-one merge"):
            hip_intervals.long_measures(measured, measured.iloc[:0], hip)


class TestLearning:
    def test_the_offset_is_the_median_and_the_half_width_the_worst_of_nineteen(self):
        found = hip_intervals.learn(calibration(NINETEEN))
        scale = found.scales[CELL]
        assert (scale.shift, scale.lower_scale, scale.upper_scale) == (-2.0, 9.0, 9.0)
        assert scale.row_count == 19

    def test_they_are_applied_to_the_letter(self):
        learned = hip_intervals.learn(calibration(NINETEEN))
        test = made.errors_of({"value": 70.0, "truth": 65.0})
        (row,) = hip_intervals.apply(test, learned).itertuples()
        assert (row.calibrated, row.lower, row.upper, row.error) == (68.0, 59.0, 77.0, 3.0)
        assert row.value == 70.0

    def test_one_sweep_less_is_refused_and_leaves_the_value_without_interval(self):
        learned = hip_intervals.learn(calibration(NINETEEN[1:]))
        assert "18 calibration rows are too few" in learned.refusals[CELL]
        (row,) = hip_intervals.apply(made.errors_of({"value": 70.0}), learned).itertuples()
        assert (row.calibrated, row.error) == (70.0, 10.0)
        assert np.isnan([row.lower, row.upper]).all()

    def test_each_kind_of_masks_has_its_own_offset(self):
        other = calibration(NINETEEN + 5).assign(masks="truth")
        learned = hip_intervals.learn(pd.concat([calibration(NINETEEN), other]))
        test = made.errors_of({"value": 70.0}, {"value": 70.0, "masks": "truth"})
        found = hip_intervals.apply(test, learned).set_index("masks").calibrated
        assert found.to_dict() == {"model": 68.0, "truth": 63.0}

    def test_a_refused_measure_teaches_nothing_and_stays_a_row(self):
        refused = made.errors_of({"value": np.nan})
        learned = hip_intervals.learn(pd.concat([calibration(NINETEEN), refused]))
        assert learned.scales[CELL].row_count == 19
        (row,) = hip_intervals.apply(refused, learned).itertuples()
        assert np.isnan([row.calibrated, row.lower, row.upper, row.error]).all()

    def test_intervals_hold_the_stated_share_of_new_truths(self):
        rng = np.random.default_rng(6)
        shares = []
        for _ in range(60):
            learned = hip_intervals.learn(calibration(rng.gumbel(3, 2, 59)))
            found = hip_intervals.apply(calibration(rng.gumbel(3, 2, 200)), learned)
            shares.append(hip_intervals.coverage_table(found).share.item())
        # 95 to 95 + 1/60 %, less what learning the offset on the same rows costs.
        assert np.mean(shares) == pytest.approx(0.955, abs=0.015)


class TestCoverage:
    def test_share_width_and_wilson_interval_of_four_sweeps(self):
        learned = hip_intervals.learn(calibration(NINETEEN))
        test = made.errors_of(
            *({"subject_id": s, "error": e} for s, e in (("A", 3), ("A", 11), ("B", -7), ("B", 12)))
        )
        table = hip_intervals.coverage_table(hip_intervals.apply(test, learned))
        (row,) = table.itertuples()
        assert list(table) == hip_intervals.COVERAGE_COLUMNS
        assert (row.share, row.mean_width, row.row_count, row.subject_count) == (0.75, 18.0, 4, 2)
        # Wilson 1927 for 3 of 4 and z = 1.96.
        z2 = 1.959964**2
        middle = (0.75 + z2 / 8) / (1 + z2 / 4)
        reach = np.sqrt(z2 * (0.75 * 0.25 / 4 + z2 / 64)) / (1 + z2 / 4)
        assert (row.low, row.high) == pytest.approx((middle - reach, middle + reach), abs=1e-6)

    def test_cells_without_interval_have_no_row(self):
        found = hip_intervals.apply(made.errors_of({}), hip_intervals.learn(calibration([1.0])))
        assert hip_intervals.coverage_table(found).empty


class TestStoredScales:
    def test_what_was_learned_comes_back_from_its_table(self, study):
        learned = hip_intervals.learn(calibration(NINETEEN))
        table = hip_intervals.scale_table(learned)
        assert list(table) == hip_intervals.SCALE_COLUMNS
        tables.write(table, hip_intervals.scales_file("smoke"), key=hip_intervals.CELL)
        assert hip_intervals.read_scales("smoke") == learned.scales

    def test_where_the_study_did_not_run_there_are_none(self, study):
        assert not hip_intervals.scales_file("smoke").is_file()
        assert hip_intervals.scales_file("smoke") == paths.table_file(
            "smoke", "hip_interval_scales"
        )
        assert hip_intervals.read_scales("smoke") == {}


def test_nothing_measured_gives_empty_tables_with_their_columns():
    nothing = made.errors_of({}).iloc[:0]
    learned = hip_intervals.learn(nothing)
    errors = hip_intervals.apply(nothing, learned)
    assert (learned.scales, learned.refusals) == ({}, {})
    assert list(errors) == hip_intervals.COLUMNS
    assert list(hip_intervals.scale_table(learned)) == hip_intervals.SCALE_COLUMNS
    assert list(hip_intervals.coverage_table(errors)) == hip_intervals.COVERAGE_COLUMNS
    assert len(errors) == 0
