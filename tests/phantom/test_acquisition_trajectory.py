"""Plans of sweeps: where the picture points, how far it travels, how steadily."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry
from hipus.phantom.acquisition.contact import CONTACT_PLACES, contact_at, draw_contact_losses
from hipus.phantom.acquisition.protocol import sweep_kind
from hipus.phantom.acquisition.session import OperatorStyle, draw_session, pixel_to_image
from hipus.phantom.acquisition.trajectory import (
    FLIP,
    HEAD_DEPTH_MM,
    image_orientation,
    plan_sweep,
    travel_sign,
)
from hipus.phantom.ultrasound.settings import ProbeSettings

#: A hand that does not tremble, drift, tilt, hesitate or flip.
STEADY = OperatorStyle(
    speed_variation=0.0,
    tremor_mm=0.0,
    tremor_axial_mm=0.0,
    tremor_deg=0.0,
    drift_lateral_mm=0.0,
    drift_axial_mm=0.0,
    tilt_deg=(0.0, 0.0, 0.0),
    hesitation_s=(0.0, 0.0),
    flip_probability=0.0,
    contact_loss_rate_hz=0.0,
)
LEFT, RIGHT, SUPERIOR, INFERIOR = [1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1]
POSTERIOR, ANTERIOR = [0, 1, 0], [0, -1, 0]


@pytest.fixture
def session():
    """Return a session with a steady hand."""
    return draw_session(np.random.default_rng(5), operator=STEADY)


def centres(plan, session, time_s):
    """Return the picture's centre in the hip, (N, 3)."""
    return geometry.apply(plan.T_image_to_hip(time_s), session.image_centre_mm[None])[:, 0]


class TestOrientation:
    @pytest.mark.parametrize(
        ("sweep_type", "side", "columns"),
        [
            ("graf", "left", (INFERIOR, RIGHT, POSTERIOR)),
            ("p_a", "left", (INFERIOR, RIGHT, POSTERIOR)),
            ("p_d", "left", (POSTERIOR, RIGHT, SUPERIOR)),
            ("graf", "right", (INFERIOR, LEFT, ANTERIOR)),
            ("p_a", "right", (INFERIOR, LEFT, ANTERIOR)),
            ("p_d", "right", (POSTERIOR, LEFT, INFERIOR)),
        ],
    )
    def test_axes_are_the_documented_ones_and_proper(self, sweep_type, side, columns):
        R = image_orientation(sweep_type, side)
        np.testing.assert_array_equal(R, np.column_stack(columns))
        assert np.linalg.det(R) == pytest.approx(1.0)

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_p_d_is_p_a_turned_a_quarter_about_the_beam(self, side):
        turn = image_orientation("p_a", side).T @ image_orientation("p_d", side)
        np.testing.assert_allclose(turn @ [0, 1, 0], [0, 1, 0])
        assert geometry.geodesic_angle_deg(turn) == pytest.approx(90.0)

    @pytest.mark.parametrize("sweep_type", ["graf", "p_a", "p_d"])
    def test_a_right_hips_picture_is_the_mirrored_left_hips(self, sweep_type):
        mirror = np.diag([-1.0, 1.0, 1.0])
        left, right = (image_orientation(sweep_type, side) for side in ("left", "right"))
        np.testing.assert_allclose(right[:, :2], mirror @ left[:, :2])
        np.testing.assert_allclose(right[:, 2], -mirror @ left[:, 2])

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_the_head_lies_below_the_middle_of_the_transducer(self, side, session):
        kind = sweep_kind("p_a", side)
        plans = [
            plan_sweep(np.random.default_rng(seed), session, kind, head_depth_mm=20.0)
            for seed in range(40)
        ]
        heads = [geometry.invert(plan.T_middle_to_hip)[:3, 3] for plan in plans]
        np.testing.assert_allclose(np.array(heads)[:, 1], 20.0, atol=1e-9)
        assert np.abs(np.mean(heads, axis=0)[0]) < 1.0

    def test_travel_sign_refuses_other_sides(self):
        with pytest.raises(ValueError, match=r"side must be one of .* got 'up'"):
            travel_sign("up")


class TestDirections:
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize(("sweep_type", "direction"), [("p_a", ANTERIOR), ("p_d", INFERIOR)])
    @pytest.mark.parametrize("is_flipped", [False, True])
    def test_sweeps_go_where_their_names_say_flipped_or_not(
        self, session, side, sweep_type, direction, is_flipped
    ):
        kind = sweep_kind(sweep_type, side)
        plan = plan_sweep(np.random.default_rng(3), session, kind, is_flipped=is_flipped)
        way = centres(plan, session, [0.0, plan.total_s])
        np.testing.assert_allclose(
            way[1] - way[0], plan.path_length_mm * np.array(direction), atol=1e-3
        )

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_travel_sign_is_the_direction_along_the_normal(self, session, side):
        plan = plan_sweep(np.random.default_rng(3), session, sweep_kind("p_d", side))
        T = plan.T_image_to_hip([0.0, plan.total_s])
        along = (T[1] - T[0])[:3, 3] @ T[0, :3, 2]
        assert np.sign(along) == travel_sign(side)

    def test_a_flip_turns_the_picture_about_the_beam(self, session):
        kind = sweep_kind("p_a", "left")
        held, turned = (
            plan_sweep(np.random.default_rng(8), session, kind, is_flipped=flip).T_image_to_hip([1])
            for flip in (False, True)
        )
        np.testing.assert_allclose(turned, held @ FLIP, atol=1e-12)
        point = np.array([4.0, 15.0, 0.0])
        mirrored = geometry.apply(turned, (point * [-1, 1, 1])[None])
        np.testing.assert_allclose(mirrored, geometry.apply(held, point[None]), atol=1e-9)

    def test_a_graf_sweep_ends_in_the_standard_plane(self, session):
        kind = sweep_kind("graf", "left")
        ends = [
            centres(plan, session, [plan.total_s])[0, 1]
            for plan in (plan_sweep(np.random.default_rng(s), session, kind) for s in range(30))
        ]
        assert np.abs(ends).max() < 1.5


class TestStatistics:
    @pytest.mark.parametrize(
        ("sweep_type", "duration_s", "path_mm", "path_sd_mm"),
        [("p_a", 7.5, 30.0, 5.0), ("p_d", 5.3, 50.0, 8.0)],
    )
    def test_durations_and_paths_are_the_stated_ones(
        self, session, sweep_type, duration_s, path_mm, path_sd_mm
    ):
        kind = sweep_kind(sweep_type, "left", duration_s_mean=duration_s)
        plans = [plan_sweep(np.random.default_rng(s), session, kind) for s in range(300)]
        durations = np.array([plan.duration_s for plan in plans])
        lengths = np.array([plan.path_length_mm for plan in plans])
        assert durations.mean() == pytest.approx(duration_s, rel=0.03)
        assert lengths.mean() == pytest.approx(path_mm, rel=0.03)
        assert lengths.std() == pytest.approx(path_sd_mm, rel=0.15)
        assert np.abs(lengths - path_mm).max() <= 2.5 * path_sd_mm

    def test_an_operators_steps_are_those_of_the_feasibility_study(self):
        """Steps of 0.13 and 0.07 mm across and along the beam, 0.37 deg per frame."""
        steps, turns = [], []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            session = draw_session(rng, frame_rate_hz=8.9)
            kind = sweep_kind(("p_a", "p_d")[seed % 2], ("left", "right")[seed // 2 % 2])
            plan = plan_sweep(rng, session, kind, is_flipped=False)
            T = plan.T_image_to_hip(np.arange(0, plan.total_s, 1 / 8.9))
            centre = geometry.apply(T, session.image_centre_mm[None])[:, 0]
            steps.append(np.einsum("nij,ni->nj", T[:-1, :3, :3], np.diff(centre, axis=0)))
            turns.append(geometry.geodesic_angle_deg(T[:-1], T[1:]))
        lateral, axial, _ = np.concatenate(steps).std(axis=0)
        assert lateral == pytest.approx(0.13, abs=0.03)
        assert axial == pytest.approx(0.07, abs=0.02)
        assert np.concatenate(turns).mean() == pytest.approx(0.37, abs=0.04)

    def test_flips_are_occasional(self, session):
        hand = replace(STEADY, flip_probability=0.2)
        kind = sweep_kind("p_a", "left")
        flips = [
            plan_sweep(np.random.default_rng(s), session, kind, operator=hand).is_flipped
            for s in range(300)
        ]
        assert np.mean(flips) == pytest.approx(0.2, abs=0.07)


class TestPlans:
    def test_one_choice_changes_nothing_else(self, session):
        kind = sweep_kind("p_a", "left")
        first = plan_sweep(np.random.default_rng(4), session, kind)
        longer = plan_sweep(np.random.default_rng(4), session, kind, path_length_mm=40.0)
        assert (longer.path_length_mm, longer.duration_s) == (40.0, first.duration_s)
        np.testing.assert_array_equal(longer.T_middle_to_hip, first.T_middle_to_hip)
        ratio = longer.displacement.offset_mm[:, 2] / first.displacement.offset_mm[:, 2]
        np.testing.assert_allclose(ratio, 40.0 / first.path_length_mm, rtol=1e-9)

    @pytest.mark.parametrize("course", ["linear", "fast_and_slow", "sector", "loop"])
    def test_each_of_the_four_motions_can_be_swept(self, session, course):
        kind = sweep_kind("p_a", "right")
        plan = plan_sweep(np.random.default_rng(4), session, kind, course=course)
        time_s = np.linspace(0, plan.total_s, 2000)
        geometry.check_transform(plan.T_image_to_hip(time_s), course)
        arc = np.linalg.norm(np.diff(centres(plan, session, time_s), axis=0), axis=1).sum()
        assert arc == pytest.approx(plan.path_length_mm, rel=1e-3)

    def test_the_hand_stands_still_while_it_hesitates(self, session):
        hand = replace(STEADY, hesitation_s=(0.8, 0.8))
        plan = plan_sweep(
            np.random.default_rng(4), session, sweep_kind("p_d", "left"), operator=hand
        )
        assert plan.total_s == pytest.approx(plan.duration_s + 1.6)
        way = centres(plan, session, [0.0, 0.79, plan.total_s - 0.79, plan.total_s])
        np.testing.assert_allclose(way[0], way[1], atol=1e-9)
        np.testing.assert_allclose(way[2], way[3], atol=1e-9)

    def test_refuses_what_cannot_be_swept(self, session):
        kind, rng = sweep_kind("p_a", "left"), np.random.default_rng(0)
        with pytest.raises(ValueError, match=r"course must be one of .* got 'zigzag'"):
            plan_sweep(rng, session, kind, course="zigzag")
        with pytest.raises(ValueError, match="head_depth_mm must lie between 5 and"):
            plan_sweep(rng, session, kind, head_depth_mm=80.0)
        with pytest.raises(ValueError, match="path_length_mm must be positive"):
            plan_sweep(rng, session, kind, path_length_mm=-3.0)
        with pytest.raises(ValueError, match="duration_s must lie between 1 and 60 s, got 0.2"):
            plan_sweep(rng, session, kind, duration_s=0.2)

    def test_the_default_head_depth_is_within_the_measured_range(self):
        assert 19 <= HEAD_DEPTH_MM <= 23


class TestContact:
    def test_is_full_without_losses(self):
        np.testing.assert_array_equal(contact_at([0.0, 1.0], np.empty((0, 4))), 1.0)

    def test_is_lost_at_one_end_in_the_middle_of_the_event(self):
        contact = contact_at([0.9, 1.25, 1.6], np.array([[1.0, 0.5, 0.0, 0.25]]))
        assert contact.shape == (3, CONTACT_PLACES)
        np.testing.assert_array_equal(contact[[0, 2]], 1.0)
        np.testing.assert_array_equal(contact[1, : CONTACT_PLACES // 2], 1.0)
        assert contact[1, -1] == 0.0
        assert np.mean(contact[1] < 0.5) == pytest.approx(0.25, abs=0.05)

    def test_losses_are_as_frequent_as_stated_and_one_sided(self, rng):
        losses = draw_contact_losses(rng, 0.5, 2000.0)
        assert len(losses) == pytest.approx(1000, rel=0.1)
        assert ((losses[:, 2] > 0) ^ (losses[:, 3] > 0)).all()


class TestSessions:
    def test_values_lie_in_their_stated_ranges(self):
        sessions = [draw_session(np.random.default_rng(s)) for s in range(150)]
        rates = np.array([one.frame_rate_hz for one in sessions])
        assert rates.mean() == pytest.approx(8.9, abs=0.1)
        assert all(40 <= one.depth_mm <= 50 for one in sessions)
        lag_errors = [one.lag_calibrated_s - one.lag_s for one in sessions]
        assert np.std(lag_errors) == pytest.approx(0.002, rel=0.25)
        offs = [
            np.linalg.norm(
                geometry.apply(one.T_image_to_probe_calibrated, [0.0, 22.5, 0.0])
                - geometry.apply(one.T_image_to_probe, [0.0, 22.5, 0.0])
            )
            for one in sessions
        ]
        assert 0.25 < np.mean(offs) < 0.42

    def test_fixing_one_value_changes_no_other(self):
        free = draw_session(np.random.default_rng(3))
        fixed = draw_session(np.random.default_rng(3), frame_rate_hz=20.0)
        assert fixed.frame_rate_hz == 20.0
        assert fixed.lag_s == free.lag_s
        assert fixed.operator == free.operator
        np.testing.assert_array_equal(fixed.T_image_to_probe, free.T_image_to_probe)

    def test_pixels_are_square_and_start_at_the_face(self, session):
        T = session.T_pixel_to_image((727, 800))
        side = session.depth_mm / 727
        np.testing.assert_allclose(T, pixel_to_image((727, 800), side))
        np.testing.assert_allclose(geometry.apply(T, [399.5, 0.0, 0.0]), [0, 0, 0], atol=1e-12)
        np.testing.assert_allclose(
            geometry.apply(T, [409.5, 20.0, 0.0]), [10 * side, 20 * side, 0], atol=1e-12
        )
        assert np.linalg.det(T[:3, :3]) > 0

    def test_pixels_lie_where_the_simulated_probe_puts_them(self, session):
        probe = ProbeSettings(depth_mm=session.depth_mm, shape_px=(300, 330))
        np.testing.assert_allclose(session.T_pixel_to_image((300, 330)), probe.T_pixel_to_image)

    def test_refuses_impossible_sessions(self):
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match="frame_rate_hz must lie between 1 and 200, got 0"):
            draw_session(rng, frame_rate_hz=0.0)
        with pytest.raises(ValueError, match="depth_mm must lie between 10 and 150, got 500"):
            draw_session(rng, depth_mm=500.0)
        with pytest.raises(ValueError, match="a session has no colour"):
            draw_session(rng, colour="red")
        with pytest.raises(ValueError, match="T_image_to_probe carries a scale"):
            draw_session(rng, T_image_to_probe=np.diag([2.0, 2.0, 2.0, 1.0]))
        with pytest.raises(ValueError, match="side must be one of"):
            draw_session(rng).setup("front")
        with pytest.raises(ValueError, match="rows must be >= 2, got 1"):
            draw_session(rng).pixel_side_mm(1)

    def test_refuses_impossible_operators(self):
        with pytest.raises(ValueError, match=r"operator.tilt_deg must be finite and >= 0"):
            OperatorStyle(tilt_deg=(1.0, -1.0, 0.0))
        with pytest.raises(ValueError, match="operator.flip_probability must be <= 1"):
            OperatorStyle(flip_probability=1.5)
        with pytest.raises(ValueError, match="operator.hesitation_s must be a range"):
            OperatorStyle(hesitation_s=(0.9, 0.2))
