"""One subject on the couch: what its sweeps share, and in what they differ."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import config, geometry
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import LIMITS, HipParameters
from hipus.phantom.cohort.examination import (
    CENTRE2_DEPTH_MM,
    draw_examination,
    draw_subject_hip,
    hip_of_sweep,
    record,
)
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings

SETTINGS = replace(
    CohortSettings.from_config(config.load("smoke").cohort),
    grid_motion=(0.0, 1.0, 2.0),
    grid_duration_s=(5.0, 9.0),
)
PLAN = plan_cohort(SETTINGS, 3)


def rows_of(subject_id: str, **wanted) -> list[dict]:
    """Return a subject's planned sweeps with some values."""
    rows = PLAN.subject(subject_id).sweeps
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def recorded(subject_id: str, row: dict):
    """Record one planned sweep."""
    plan = PLAN.subject(subject_id)
    exam = draw_examination(plan, row["session_id"], row["operator_id"])
    return record(plan, row, session=exam.session, head_depth_mm=21.0)


class TestTwins:
    @pytest.fixture
    def twins(self):
        still = rows_of("S501", variant="still")[0]
        moving = rows_of("S501", drawn_as=still["drawn_as"], variant="restless")[0]
        return recorded("S501", moving), recorded("S501", still)

    def test_the_same_sweep_is_made_with_and_without_infant_motion(self, twins):
        moving, still = twins
        time_s = np.linspace(0, moving.plan.total_s, 20)
        np.testing.assert_array_equal(
            moving.plan.T_image_to_hip(time_s), still.plan.T_image_to_hip(time_s)
        )
        np.testing.assert_array_equal(moving.time_s, still.time_s)
        np.testing.assert_array_equal(moving.contact, still.contact)

    def test_only_the_moving_infant_moves(self, twins):
        shift = [np.ptp(one.T_hip_to_tracker[:, :3, 3], axis=0).max() for one in twins]
        assert shift[0] > 0.5
        assert shift[1] < 1e-9

    def test_repeats_are_other_sweeps(self):
        first, second = rows_of("S501", variant="repeat", sweep_type="p_a", session_id=1)
        time_s = np.linspace(1, 4, 5)
        poses = [recorded("S501", row).plan.T_image_to_hip(time_s) for row in (first, second)]
        assert np.abs(poses[0] - poses[1])[:, :3, 3].max() > 0.2


class TestGrid:
    def test_path_and_duration_are_those_asked_for(self):
        for row in rows_of("S601", infant_motion=1.0):
            plan = recorded("S601", row).plan
            assert plan.path_length_mm == row["path_length_mm"]
            assert plan.duration_s == row["duration_s"]

    def test_motion_scales_one_draw(self):
        rows = rows_of("S601", path_length_mm=20.0, duration_s=9.0)
        none, once, twice = (
            recorded("S601", row).T_hip_to_tracker[:, :3, 3]
            for row in sorted(rows, key=lambda row: row["infant_motion"])
        )
        np.testing.assert_allclose(none, none[:1].repeat(len(none), 0), atol=1e-9)
        assert np.abs(once - none).max() > 1.5
        # The pelvis turns about a point 25 mm away, which is not linear in the angle.
        np.testing.assert_allclose(twice - none, 2 * (once - none), atol=0.5)


class TestSessions:
    def test_a_session_is_the_same_for_all_its_sweeps(self):
        plan = PLAN.subject("S001")
        first, again = (draw_examination(plan, 1, "O11") for _ in range(2))
        assert first.settings == again.settings
        np.testing.assert_array_equal(
            first.session.T_image_to_probe, again.session.T_image_to_probe
        )

    def test_an_operator_is_the_same_person_everywhere(self):
        hands = [
            draw_examination(PLAN.subject(name), 1, "O12").session.operator
            for name in ("S001", "S101")
        ]
        assert hands[0] == hands[1]
        assert draw_examination(PLAN.subject("S001"), 1, "O13").session.operator != hands[0]

    def test_session_and_probe_agree_on_where_pixels_lie(self):
        exam = draw_examination(PLAN.subject("S046"), 1, "O11")
        shape = SETTINGS.shape_px
        np.testing.assert_allclose(
            exam.session.T_pixel_to_image(shape), exam.settings.T_pixel_to_image, atol=1e-12
        )

    def test_the_second_centre_looks_deeper_and_louder(self):
        away = draw_examination(PLAN.subject("S301"), 1, "O21")
        assert away.settings.depth_mm in CENTRE2_DEPTH_MM
        assert away.session.depth_mm == away.settings.depth_mm
        gains = [draw_examination(PLAN.subject(f"S{n:03d}"), 1, "O11").settings.gain_db
                 for n in (1, 46, 49, 101, 102)]  # fmt: skip
        assert away.settings.gain_db > np.mean(gains)


class TestHips:
    def test_a_hip_is_the_same_whenever_it_is_drawn(self):
        plan = PLAN.subject("S001")
        first, again = (draw_subject_hip(plan, "left") for _ in range(2))
        assert first.hip.parameters == again.hip.parameters
        assert first.hip.parameters.side == "left"

    def test_both_sides_are_hips_of_their_own(self):
        plan = PLAN.subject("S001")
        left, right = (draw_subject_hip(plan, side).hip.parameters for side in ("left", "right"))
        assert left.deformation_seed != right.deformation_seed

    def test_bending_stays_possible(self):
        bent = hip_of_sweep(Hip(HipParameters(flexion_deg=108.0)), 9.0)
        assert bent.parameters.flexion_deg == LIMITS["flexion_deg"][1]

    def test_the_picture_shows_the_head_where_it_was_planned(self):
        row = rows_of("S001", sweep_id="left_p_a")[0]
        sweep = recorded("S001", row)
        middle = sweep.T_image_to_hip[len(sweep) // 2]
        head = geometry.apply(geometry.invert(middle), np.zeros((1, 3)))[0]
        assert head[1] == pytest.approx(21.0, abs=2.5)
