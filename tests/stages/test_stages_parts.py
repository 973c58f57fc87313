"""The arithmetic inside the stages, on hand-worked cases."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hipus import geometry
from hipus.calibration.spatial import difference
from hipus.stages import calibration, calibration_time, reconstruction
from hipus.stages.reconstruction import SONOGRAM

FRAME_SHAPE = (616, 820)


class TestErrorRow:
    """Errors of one frame's views, over the part that shows the phantom."""

    @pytest.fixture
    def poses(self):
        """Return three poses, 1 mm and then 3 mm apart."""
        return geometry.transform(translation=[[0.0, 0, 0], [0, 0, 1], [0, 0, 4]])

    @pytest.fixture
    def views(self):
        """Return four views that are 1, 2, 3 and 4 grey levels too bright."""
        names = ("volume", "left_out", "posed_neighbours", "copied_neighbours")
        return {name: np.full(FRAME_SHAPE, 100.0 + n) for n, name in enumerate(names, 1)}

    def test_each_view_has_its_own_mean_absolute_error(self, poses, views):
        row = reconstruction._error_row(1, np.full(FRAME_SHAPE, 100, np.uint8), views, poses)
        assert [row[f"{name}_absolute_error"] for name in views] == [1, 2, 3, 4]
        assert row["frame_index"] == 1

    def test_neighbour_distance_is_the_mean_step_of_the_centre(self, poses, views):
        row = reconstruction._error_row(1, np.full(FRAME_SHAPE, 100, np.uint8), views, poses)
        assert row["neighbour_distance_mm"] == 2.0

    def test_darker_and_brighter_do_not_cancel(self, poses, views):
        views["volume"][:, ::2] = 99.0
        row = reconstruction._error_row(1, np.full(FRAME_SHAPE, 100, np.uint8), views, poses)
        assert row["volume_absolute_error"] == 1.0

    def test_nothing_outside_the_sonogram_counts(self, poses, views):
        views["volume"][~SONOGRAM.mask(FRAME_SHAPE)] = 10_000
        row = reconstruction._error_row(1, np.full(FRAME_SHAPE, 100, np.uint8), views, poses)
        assert row["volume_absolute_error"] == 1.0

    def test_unknown_pixels_are_left_out_and_counted(self, poses, views):
        half = SONOGRAM.v_px + SONOGRAM.height_px // 2
        views["left_out"][half:] = np.nan
        row = reconstruction._error_row(1, np.full(FRAME_SHAPE, 100, np.uint8), views, poses)
        assert row["left_out_known_percent"] == 50.0
        assert row["left_out_absolute_error"] == 2.0
        assert row["volume_known_percent"] == 100.0

    def test_a_view_without_any_pixel_has_no_error(self, poses, views):
        views["left_out"][:] = np.nan
        row = reconstruction._error_row(1, np.full(FRAME_SHAPE, 100, np.uint8), views, poses)
        assert np.isnan(row["left_out_absolute_error"])
        assert row["left_out_known_percent"] == 0


class TestSonogram:
    def test_cut_is_the_rectangle_and_unknown_is_black(self):
        view = np.full(FRAME_SHAPE, np.nan)
        view[SONOGRAM.v_px, SONOGRAM.u_px] = 7.6
        cut = reconstruction._sonogram(view)
        assert cut.shape == (SONOGRAM.height_px, SONOGRAM.width_px)
        assert cut.dtype == np.uint8
        assert cut[0, 0] == 8
        assert cut.sum() == 8


class TestCalibrationRows:
    PLUS = SimpleNamespace(
        T_pixel_to_probe=np.diag([0.08, 0.08, 0.08, 1.0]),
        calibration=SimpleNamespace(points_px=np.full((2, 3, 2), 100.0)),
    )

    @staticmethod
    def errors(mean):
        """Return the summary of one sweep."""
        return SimpleNamespace(
            error_mm_mean=mean, error_mm_sd=0.1, error_mm_mean_all=mean + 1, error_mm_sd_all=0.2,
            point_to_wire_mm_mean=0.3, frames_used=4, frames_total=5,
        )  # fmt: skip

    def test_solution_row_keeps_sweeps_apart_and_holds_the_matrix(self):
        T = geometry.transform(translation=[3.0, 4.0, 0.0]) @ self.PLUS.T_pixel_to_probe
        row = calibration._solution_row(
            "classic", T, {"calibration": self.errors(0.4), "validation": self.errors(0.5)},
            self.PLUS,
        )  # fmt: skip
        assert row["calibration_error_mm_mean"] == 0.4
        assert row["validation_error_mm_mean_all"] == 1.5
        assert row["validation_frames_total"] == 5
        assert row["origin_from_plus_mm"] == pytest.approx(5.0)
        assert row["centre_from_plus_mm"] == pytest.approx(5.0)
        assert row["angle_from_plus_deg"] == pytest.approx(0.0, abs=1e-6)
        matrix = np.array([[row[f"T_{i}{j}"] for j in range(4)] for i in range(3)])
        np.testing.assert_array_equal(matrix, T[:3])

    def test_difference_of_a_solution_from_itself_is_nothing(self):
        apart = difference(
            self.PLUS.T_pixel_to_probe, self.PLUS.T_pixel_to_probe, centre_px=(10.0, 20.0)
        )
        assert (apart.origin_mm, apart.centre_mm) == (0, 0)

    def test_errors_are_listed_by_frame_and_middle_wire(self):
        errors = SimpleNamespace(
            wire_names=tuple("abcdef"), reprojection_mm=np.array([[0.1, 0.2], [0.3, np.nan]])
        )
        rows = calibration._error_rows("joint", "validation", np.array([0, 4]), errors)
        found = rows.set_index(["frame_index", "wire"])["error_mm"]
        assert found[0, "b"] == 0.1
        assert found[0, "e"] == 0.2
        assert found[4, "b"] == 0.3
        assert np.isnan(found[4, "e"])
        assert set(rows["solution"]) == {"joint"}

    def test_lost_frames_say_why_and_have_no_distance(self):
        points = np.full((2, 3, 2), 50.0)
        lost = points.copy()
        lost[1] = np.nan
        sweep = SimpleNamespace(
            name="calibration", frame_index=np.array([0, 6]), plus_points_px=points + [3.0, 4.0],
            found=SimpleNamespace(
                points_px=lost, is_found=np.array([True, False]), reasons=("", "too few dots"),
                misfit=np.array([0.5, np.nan]),
            ),
        )  # fmt: skip
        rows = calibration._finding_rows(sweep)
        assert rows["distance_to_plus_px_mean"].tolist()[0] == 5.0
        assert np.isnan(rows["distance_to_plus_px_max"].tolist()[1])
        assert rows["reason"].tolist() == ["", "too few dots"]
        assert rows["frame_index"].tolist() == [0, 6]


class TestTimeMetrics:
    def test_lags_are_differences_of_the_right_rows(self):
        lags = pd.DataFrame({"solution": ["PLUS", "ours"], "lag_s": [-0.06, -0.07]})
        joint = pd.DataFrame(
            {
                "recording": ["stamps moved", "as recorded"],
                "known_lag_s": [-0.12, 0.0],
                "lag_s": [-0.08, 0.03],
                "equivalent_low_s": [-0.14, -0.02],
                "equivalent_high_s": [-0.01, 0.11],
            }
        )
        content = {"temporal_calibration": (lags, []), "joint_calibration": (joint, [])}
        found = calibration_time.metrics(content)
        assert found == pytest.approx(
            {
                "lag_s": -0.07,
                "lag_from_plus_s": -0.01,
                "joint_lag_s": -0.08,
                "joint_lag_error_s": 0.04,
                "joint_lag_as_recorded_s": 0.03,
                "joint_shift_recovered_s": -0.11,
                "joint_lag_width_s": 0.13,
            }
        )
