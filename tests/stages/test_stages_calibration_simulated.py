"""Stage `calibration_simulated`: one small session through the real calibration."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import config, parallel, paths, tables
from hipus.phantom.acquisition.session import draw_session
from hipus.phantom.wires import Z_PHANTOM, simulate_calibration_session
from hipus.stages import calibration_simulated as stage


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run one session of 40 frames; return what the stage wrote."""
    folder = make_study_folder(tmp_path_factory.mktemp("wires"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        study = config.load("smoke")
        size = replace(study.calibration_simulated, sessions=1, frames=40)
        assert stage.main(replace(study, calibration_simulated=size)) == []
        yield {
            name: tables.read(paths.table_file("smoke", name), columns=columns)
            for name, columns in stage.COLUMNS.items()
        } | {"metrics": tables.read_metrics(paths.metrics_file("smoke", stage.STAGE))}


class TestSession:
    def test_the_lag_is_found_within_2_ms(self, ran):
        (row,) = ran["simulated_lag"].itertuples()
        assert row.error_s == pytest.approx(row.lag_s - row.true_lag_s, abs=1e-9)
        assert abs(row.error_s) < stage.LARGEST_LAG_ERROR_S

    def test_both_phantoms_and_methods_are_judged_by_truth(self, ran):
        rows = ran["simulated_calibration"].set_index(["phantom", "method"])
        assert len(rows) == 4
        assert (rows.frames_total == 40).all()
        assert (rows.frames_found > 30).all()
        assert rows.target_registration_error_mm_mean.between(0.01, 1.0).all()
        assert (
            rows.target_registration_error_mm_max > rows.target_registration_error_mm_mean
        ).all()
        assert (rows.lag_s == rows.lag_s.iloc[0]).all()
        assert rows.validation_error_mm_mean.between(0.01, 1.0).all()

    def test_metrics_are_of_the_tables(self, ran):
        found, rows = ran["metrics"], ran["simulated_calibration"]
        assert found["sessions_total"] == found["lags_within_2_ms"] == 1
        joint = rows[rows.method == "joint"].target_registration_error_mm_max
        assert found["joint_target_registration_error_mm_max"] == pytest.approx(joint.max())
        assert found["frames_total"] == 80


class TestMetrics:
    def test_a_lag_3_ms_off_is_counted_out(self):
        lags = pd.DataFrame({"error_s": [0.001, -0.003]})
        name = "target_registration_error_mm"
        sessions = pd.DataFrame(
            {
                "method": ["classic", "classic", "joint"],
                "frames_found": [5, 6, 7],
                "frames_total": [10, 10, 10],
                f"{name}_mean": [0.2, 0.4, 0.1],
                f"{name}_max": [0.5, 0.9, 0.3],
            }
        )
        found = stage.metrics(
            {"simulated_calibration": (sessions, []), "simulated_lag": (lags, [])}
        )
        assert found["lags_within_2_ms"] == 1
        assert found["largest_lag_error_s"] == 0.003
        assert found["classic_target_registration_error_mm_mean"] == pytest.approx(0.3)
        assert found["classic_target_registration_error_mm_max"] == 0.9
        assert (found["frames_found"], found["frames_total"]) == (11, 20)


def test_a_user_knows_the_registered_phantom_and_the_pixel_only_roughly():
    rng = np.random.default_rng(1)
    recording = simulate_calibration_session(
        rng, draw_session(rng), phantom=Z_PHANTOM, count=3, frame_shape=(120, 140)
    )
    known = stage.as_user(recording)
    np.testing.assert_array_equal(known.T_phantom_to_reference, recording.T_phantom_to_reference)
    assert (recording.T_phantom_to_reference != recording.T_phantom_to_reference_true).any()
    side_mm = np.linalg.norm(recording.T_pixel_to_probe[:3, 0])
    assert known.segmentation.approximate_spacing_mm == pytest.approx(1.03 * side_mm)
