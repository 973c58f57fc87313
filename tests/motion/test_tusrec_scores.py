"""TUS-REC's errors and scores against the challenge's own code and against a slow reference."""

import math

import numpy as np
import pytest
from made_trajectories import CALIBRATION, HEIGHT, T_PIXEL_TO_IMAGE, WIDTH, tusrec_case

from hipus import geometry
from hipus.formats.tusrec import Landmarks
from hipus.motion.tusrec_scores import PointErrors, identity_errors, normalised, point_errors

#: Of the 2024 and 2025 baselines' own functions in float64, which agree to 1e-13.
PREDICTION = PointErrors(
    gpe_mm=0.4806901011229196,
    gle_mm=0.4998677977041923,
    lpe_mm=0.18339470556756657,
    lle_mm=0.20950901563850854,
)
IDENTITY = PointErrors(
    gpe_mm=26.349135927867927,
    gle_mm=29.372958089901967,
    lpe_mm=2.7344493860777677,
    lle_mm=2.717024304289545,
)
NAMES = ("gpe_mm", "gle_mm", "lpe_mm", "lle_mm")
FRAME = {"T_pixel_to_frame": T_PIXEL_TO_IMAGE, "shape_hw": (HEIGHT, WIDTH)}


@pytest.fixture(scope="module")
def case():
    """Return the closed-form case."""
    return tusrec_case()


def assert_errors(found: PointErrors, expected: PointErrors, tolerance: float = 1e-9) -> None:
    """Compare four errors."""
    for name in NAMES:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=tolerance), name


class TestTheClosedFormCase:
    def test_its_generator_gives_the_stated_matrices(self, case):
        np.testing.assert_allclose(
            case.T_true[0, :3, 3], [113.05642075389834, -62.97803376086482, 255.04616114213994]
        )
        np.testing.assert_allclose(
            case.T_predicted[-1, :3, 3],
            [21.26806428640364, -37.54308851833135, -15.263488030787503],
        )
        assert case.landmarks.frame_index[:3].tolist() == [16, 19, 12]
        assert (case.landmarks.uv_px[:2] + 1).tolist() == [[33, 31], [60, 38]]

    def test_errors_of_the_prediction(self, case):
        found = point_errors(case.T_predicted, case.T_true, landmarks=case.landmarks, **FRAME)
        assert_errors(found, PREDICTION)

    def test_errors_of_the_identity(self, case):
        assert_errors(identity_errors(case.T_true, landmarks=case.landmarks, **FRAME), IDENTITY)

    def test_poses_of_the_tool_give_the_same_with_the_calibration(self, case):
        T_tool_to_image = geometry.invert(CALIBRATION.T_image_to_tool)
        found = point_errors(
            case.T_predicted @ T_tool_to_image,
            case.T_true @ T_tool_to_image,
            T_pixel_to_frame=CALIBRATION.T_pixel_to_probe,
            shape_hw=(HEIGHT, WIDTH),
            landmarks=case.landmarks,
        )
        assert_errors(found, PREDICTION)

    def test_pixels_counted_from_0_without_the_calibrations_shift_are_another_number(self, case):
        found = point_errors(
            case.T_predicted,
            case.T_true,
            T_pixel_to_frame=CALIBRATION.T_pixel1_to_image,
            shape_hw=(HEIGHT, WIDTH),
        )
        assert found.gpe_mm == pytest.approx(0.47701895, abs=1e-6)  # DualTrack's, float32
        assert abs(found.gpe_mm - PREDICTION.gpe_mm) > 1e-3


class TestScores:
    def test_the_2025_scores(self):
        scores = normalised(PREDICTION, IDENTITY)
        expected = {
            "gpe": 0.9817568931884965,
            "gle": 0.9829820409584135,
            "lpe": 0.9329317607773959,
            "lle": 0.9228902681114252,
            "final": 0.9551402407589328,
            "global_": 0.982369467073455,
            "local": 0.9279110144444105,
            "landmark": 0.9529361545349193,
            "pixel": 0.9573443269829462,
        }
        for name, value in expected.items():
            assert getattr(scores, name) == pytest.approx(value, abs=1e-12), name

    def test_the_baselines_own_code_adds_a_millionth(self):
        scores = normalised(PREDICTION, IDENTITY, epsilon_mm=1e-6)
        expected = {
            "final": 0.95514042865194,
            "global_": 0.9823695024360025,
            "local": 0.9279113548678776,
            "pixel": 0.9573445162013788,
            "landmark": 0.9529363411025012,
        }
        for name, value in expected.items():
            assert getattr(scores, name) == pytest.approx(value, abs=1e-12), name

    def test_the_ends_of_the_scale(self):
        assert normalised(PointErrors(0, 0, 0, 0), IDENTITY).final == 1
        assert normalised(IDENTITY, IDENTITY).final == 0
        assert normalised(PointErrors(4, 4, 4, 4), PointErrors(2, 2, 2, 2)).final == -1

    def test_a_probe_that_never_moves_has_no_score(self):
        still = np.broadcast_to(np.eye(4), (3, 4, 4))
        largest = identity_errors(still, **FRAME)
        assert largest.gpe_mm == 0
        assert math.isnan(normalised(largest, largest).gpe)

    def test_without_landmarks_the_pixel_score_stands_alone(self, case):
        errors = point_errors(case.T_predicted, case.T_true, **FRAME)
        scores = normalised(errors, identity_errors(case.T_true, **FRAME))
        assert scores.pixel == pytest.approx(0.9573443269829462, abs=1e-9)
        assert math.isnan(errors.gle_mm)
        assert math.isnan(scores.final)


class TestAgainstASlowReference:
    def test_a_pure_shift_moves_every_pixel_alike(self):
        true = geometry.transform(translation=[[0, 0, 0], [0, 0, 1.0], [0, 0, 2.0]])
        predicted = geometry.transform(translation=[[0, 0, 0], [0, 0, 1.0], [0.3, 0.4, 2.0]])
        found = point_errors(predicted, true, **FRAME)
        assert found.gpe_mm == pytest.approx((0 + 0.5) / 2)
        assert found.lpe_mm == pytest.approx((0 + 0.5) / 2)

    def test_all_pixels_of_all_frames_one_by_one(self, case):
        """Oblique anisotropic pixels, and more rows than columns."""
        T_pixel_to_frame = geometry.transform(
            np.array([[0.3, 0.05, 0], [0.02, 0.7, 0], [0.1, -0.04, 1.1]]), [-2.0, 5.0, 0.7]
        )
        v, u = np.mgrid[:11, :7]
        pixels = np.stack([u.ravel(), v.ravel(), 0 * u.ravel(), 0 * u.ravel() + 1.0])
        found = point_errors(
            case.T_predicted, case.T_true, T_pixel_to_frame=T_pixel_to_frame, shape_hw=(11, 7)
        )
        lengths = {"global": [], "local": []}
        for i in range(1, len(case.T_true)):
            for name, start in (("global", 0), ("local", i - 1)):
                G, P = (np.linalg.inv(T[start]) @ T[i] for T in (case.T_true, case.T_predicted))
                vectors = ((G - P) @ T_pixel_to_frame @ pixels)[:3]
                lengths[name].append(np.sqrt((vectors**2).sum(axis=0)))
        assert found.gpe_mm == pytest.approx(np.mean(lengths["global"]), rel=1e-12)
        assert found.lpe_mm == pytest.approx(np.mean(lengths["local"]), rel=1e-12)

    def test_invalid_frames_and_steps_across_them_are_left_out(self, case):
        true = case.T_true.copy()
        true[[0, 7]] = np.nan
        found = point_errors(case.T_predicted, true, **FRAME)
        before = point_errors(case.T_predicted[1:7], case.T_true[1:7], **FRAME)
        after = point_errors(case.T_predicted[8:], case.T_true[8:], **FRAME)
        steps = (5 * before.lpe_mm + 11 * after.lpe_mm) / 16
        assert found.lpe_mm == pytest.approx(steps)


class TestRefusals:
    @pytest.mark.parametrize("frame", [0, 20])
    def test_a_landmark_in_a_frame_without_an_error(self, case, frame):
        landmarks = Landmarks(np.array([3, frame]), np.zeros((2, 2)))
        with pytest.raises(ValueError, match=f"landmarks: frame {frame} has no error to measure"):
            point_errors(case.T_predicted, case.T_true, landmarks=landmarks, **FRAME)

    def test_an_empty_picture(self, case):
        with pytest.raises(ValueError, match=r"shape_hw must be two positive numbers, got \(0, 5"):
            point_errors(case.T_predicted, case.T_true, T_pixel_to_frame=np.eye(4), shape_hw=(0, 5))

    def test_poses_that_cannot_be_compared(self, case):
        with pytest.raises(ValueError, match="T_predicted and T_true must both be"):
            point_errors(case.T_predicted[1:], case.T_true, **FRAME)
