"""Recordings: what is true, what is reported, and how the two hang together."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.phantom.acquisition.imu import EVEN, GRAVITY_M_S2, ImuErrors
from hipus.phantom.acquisition.motion import STILL, InfantMotion
from hipus.phantom.acquisition.protocol import read_protocol, sweep_kind
from hipus.phantom.acquisition.recorder import record_infant, record_sweep
from hipus.phantom.acquisition.session import draw_session
from hipus.phantom.acquisition.tracking import PERFECT, TrackerSettings, TrackingStatus
from hipus.phantom.acquisition.trajectory import plan_sweep

DEPTHS = {"left": 21.0, "right": 20.0}
#: A restless infant: several bursts in every sweep.
RESTLESS = InfantMotion(burst_rate_hz=1.0, amplitude_mm=2.0)
#: A tracker without faults, fast enough that interpolation costs nothing.
EXACT = replace(PERFECT, rate_hz=200.0)


def recorded(seed=7, *, side="left", sweep_type="p_a", **options):
    """Record one sweep; fixed session values and options of the recorder apart."""
    fixed = {key: options.pop(key) for key in ("imu_errors", "lag_s") if key in options}
    session = draw_session(np.random.default_rng(seed), **fixed)
    plan = plan_sweep(np.random.default_rng(seed + 1), session, sweep_kind(sweep_type, side))
    return record_sweep(np.random.default_rng(seed + 2), session, plan, **options)


def cohort(count, **options):
    """Return the sweeps of several infants by type."""
    by_type = {"graf": [], "p_a": [], "p_d": []}
    for index in range(count):
        sweeps = record_infant(3, f"S{index:03d}", head_depth_mm=DEPTHS, **options)
        for sweep in sweeps.values():
            by_type[sweep.plan.kind.sweep_type].append(sweep)
    return by_type


@pytest.fixture(scope="module")
def sweeps():
    """Return the sweeps of 20 infants by type."""
    return cohort(20)


class TestStatistics:
    @pytest.mark.parametrize(("sweep_type", "frames"), [("p_a", 67), ("p_d", 47)])
    def test_informative_frames_are_those_of_the_printed_durations(
        self, sweeps, sweep_type, frames
    ):
        counts = [len(one.time_s[one.informative]) for one in sweeps[sweep_type]]
        assert np.mean(counts) == pytest.approx(frames, abs=3)

    def test_mean_over_both_kinds_is_the_printed_57(self, sweeps):
        counts = [len(one.time_s[one.informative]) for one in sweeps["p_a"] + sweeps["p_d"]]
        assert np.mean(counts) == pytest.approx(57, abs=2)

    @pytest.mark.parametrize(
        ("sweep_type", "duration_s", "path_mm"), [("p_a", 7.5, 30.0), ("p_d", 5.3, 50.0)]
    )
    def test_durations_and_travel_are_the_stated_ones(
        self, sweeps, sweep_type, duration_s, path_mm
    ):
        spans = [np.ptp(one.time_s[one.informative]) for one in sweeps[sweep_type]]
        assert np.mean(spans) == pytest.approx(duration_s, abs=0.4)
        travel = []
        for one in sweeps[sweep_type]:
            centre = geometry.apply(one.T_image_to_hip, one.session.image_centre_mm[None])[:, 0]
            travel.append(np.linalg.norm(centre[one.informative][-1] - centre[one.informative][0]))
        assert np.mean(travel) == pytest.approx(path_mm, abs=4)

    def test_all_sweeps_of_an_infant_have_one_frame_rate(self):
        for one in record_infant(3, "S001", head_depth_mm=DEPTHS).values():
            step = np.diff(one.time_s)
            assert 1 / step.mean() == pytest.approx(one.session.frame_rate_hz, rel=0.01)
            assert step.std() < 0.003

    def test_most_but_not_all_poses_are_tracked(self, sweeps):
        share = np.mean(
            np.concatenate(
                [
                    np.isfinite(one.at_images().T_probe_to_reference[:, 0, 0])
                    for one in sweeps["p_a"] + sweeps["p_d"]
                ]
            )
        )
        assert 0.95 < share < 1.0


class TestTruth:
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("sweep_type", ["graf", "p_a", "p_d"])
    def test_every_pose_is_rigid_and_one_per_frame(self, side, sweep_type):
        one = recorded(side=side, sweep_type=sweep_type, infant=RESTLESS)
        for name in ("T_image_to_hip", "T_hip_to_tracker", "T_probe_to_reference"):
            assert geometry.check_transform(getattr(one, name), name).shape == (len(one), 4, 4)
        assert one.contact.shape[0] == len(one)

    def test_without_infant_motion_the_truth_is_the_plan(self):
        one = recorded(infant=STILL)
        np.testing.assert_allclose(
            one.T_image_to_hip, one.plan.T_image_to_hip(one.time_s), atol=1e-9
        )
        np.testing.assert_allclose(np.ptp(one.T_hip_to_tracker, axis=0), 0.0, atol=1e-9)

    def test_infant_motion_moves_hip_and_reference_marker(self):
        one = recorded(infant=RESTLESS)
        for T in (one.T_hip_to_tracker, one.T_reference_to_tracker):
            assert np.ptp(T[:, :3, 3], axis=0).max() > 1.0
        apart = geometry.relative(one.T_hip_to_tracker, one.T_reference_to_tracker)
        assert 0.01 < np.ptp(apart[:, :3, 3], axis=0).max() < 2.0

    def test_a_reference_screwed_to_the_pelvis_sees_what_the_hip_sees(self):
        one = recorded(infant=replace(RESTLESS, reference_share=1.0))
        T_reference_to_hip = one.session.setup("left").T_reference_to_hip
        np.testing.assert_allclose(
            geometry.compose(T_reference_to_hip, one.T_probe_to_reference),
            one.T_probe_to_hip,
            atol=1e-8,
        )

    def test_a_probe_that_follows_wholly_sees_no_infant_motion(self):
        one = recorded(infant=replace(RESTLESS, probe_share=1.0))
        np.testing.assert_allclose(
            one.T_image_to_hip, one.plan.T_image_to_hip(one.time_s), atol=1e-8
        )

    def test_infant_motion_changes_nothing_else(self):
        calm, restless = recorded(infant=STILL), recorded(infant=RESTLESS)
        np.testing.assert_array_equal(calm.time_s, restless.time_s)
        np.testing.assert_array_equal(calm.tracker.time_s, restless.tracker.time_s)
        np.testing.assert_array_equal(calm.imu.time_s, restless.imu.time_s)
        np.testing.assert_array_equal(calm.contact, restless.contact)
        assert np.abs(calm.T_image_to_hip - restless.T_image_to_hip).max() > 0.5

    def test_informative_frames_lie_between_the_hesitations(self):
        one = recorded()
        before, after = one.plan.hesitation_s
        inside = one.time_s[one.informative]
        assert inside[0] >= before
        assert inside[-1] <= one.plan.total_s - after
        assert one.time_s[one.informative.start - 1] < before


class TestReports:
    def test_a_perfect_tracker_closes_the_chain(self):
        one = recorded(infant=RESTLESS, tracker=EXACT)
        found = one.at_images(lag_s=one.session.lag_s)
        assert found.probe.is_valid.all()
        np.testing.assert_allclose(found.T_probe_to_reference, one.T_probe_to_reference, atol=2e-3)
        T_image_to_reference = geometry.compose(
            found.T_probe_to_reference, one.session.T_image_to_probe
        )
        T_hip_to_reference = geometry.relative(one.T_reference_to_tracker, one.T_hip_to_tracker)
        np.testing.assert_allclose(
            T_image_to_reference,
            geometry.compose(T_hip_to_reference, one.T_image_to_hip),
            atol=2e-3,
        )

    @pytest.mark.parametrize("lag_s", [0.2, -0.2])
    def test_poses_are_stamped_late_by_the_lag(self, lag_s):
        one = recorded(lag_s=lag_s, infant=STILL, tracker=EXACT, sweep_type="p_d")
        middle = one.informative
        errors = {}
        for tried in (lag_s, 0.0, -lag_s):
            found = one.at_images(lag_s=tried).probe.T_marker_to_tracker[middle]
            off = (found - one.T_probe_to_tracker[middle])[:, :3, 3]
            errors[tried] = np.nanmedian(np.linalg.norm(off, axis=1))
        assert errors[lag_s] < 1e-2
        assert errors[0.0] > 0.5
        assert errors[-lag_s] > 1.5 * errors[0.0]

    def test_drop_outs_are_flagged_and_nan_at_the_images(self):
        tracker = replace(TrackerSettings(), occlusion_rate_hz=0.5, occlusion_s=0.4)
        one = recorded(tracker=tracker)
        found = one.at_images()
        is_lost = (found.probe.status != TrackingStatus.OK) | (
            found.reference.status != TrackingStatus.OK
        )
        assert 0 < is_lost.sum() < len(one)
        np.testing.assert_array_equal(
            np.isnan(found.T_probe_to_reference).all(axis=(1, 2)), is_lost
        )

    def test_reports_are_off_by_tenths_of_a_millimetre(self):
        one = recorded(infant=STILL)
        picture = geometry.apply(one.session.T_image_to_probe, one.session.image_centre_mm)
        found, true = (
            geometry.apply(T, picture[None])[:, 0]
            for T in (one.at_images().T_probe_to_reference, one.T_probe_to_reference)
        )
        assert 0.03 < np.nanmean(np.linalg.norm(found - true, axis=1)) < 0.4

    def test_the_users_sweep_has_reported_poses_and_the_calibrated_matrix(self):
        one = recorded()
        sweep = one.to_sweep(np.zeros((len(one), 60, 70), np.uint8))
        np.testing.assert_array_equal(
            sweep.T_probe_to_reference, one.at_images().T_probe_to_reference
        )
        T = one.session.T_image_to_probe_calibrated @ one.session.T_pixel_to_image((60, 70))
        np.testing.assert_array_equal(sweep.T_pixel_to_probe, T)
        assert sweep.sweep_id == "left_p_a"
        assert sweep.pixel_spacing_xy_mm == pytest.approx((one.session.depth_mm / 60,) * 2)

    def test_frames_must_be_as_many_as_poses(self):
        one = recorded()
        with pytest.raises(ValueError, match=f"frames must be {len(one)} like the poses, got 3"):
            one.to_sweep(np.zeros((3, 60, 70), np.uint8))


class TestInertialSensor:
    def test_integrates_to_the_rotation_of_the_truth(self):
        one = recorded(imu_errors=ImuErrors(), imu_timing=EVEN, infant=RESTLESS)
        imu = one.imu
        R = np.eye(3)
        first, last = np.searchsorted(imu.time_s, one.time_s[[0, -1]]) - [0, 1]
        for index in range(first, last):
            half = (imu.angular_velocity_rad_s[index] + imu.angular_velocity_rad_s[index + 1]) / 2
            step_s = imu.time_s[index + 1] - imu.time_s[index]
            R = R @ rotations.from_rotation_vector(half * step_s)
        T_imu = geometry.compose(one.T_probe_to_tracker, one.session.T_imu_to_probe)
        true = geometry.interpolate_poses(one.time_s, T_imu, imu.time_s[[first, last]])
        turned = geometry.relative(true[0], true[1])
        assert geometry.geodesic_angle_deg(turned) > 0.3
        assert geometry.geodesic_angle_deg(turned, R) < 0.25

    def test_shows_gravity_at_its_full_size(self):
        one = recorded(imu_errors=ImuErrors(), imu_timing=EVEN)
        size = np.linalg.norm(one.imu.acceleration_m_s2, axis=1)
        assert size.mean() == pytest.approx(GRAVITY_M_S2, abs=0.02)
        assert size.std() < 0.2

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_gravity_points_out_of_the_patient_into_the_handle(self, side):
        one = recorded(side=side, imu_errors=ImuErrors())
        T_imu_to_image = geometry.compose(
            geometry.invert(one.session.T_image_to_probe), one.session.T_imu_to_probe
        )
        force = T_imu_to_image[:3, :3] @ one.imu.acceleration_m_s2.mean(axis=0)
        assert force[1] < -0.85 * GRAVITY_M_S2

    def test_knows_how_it_is_mounted_and_covers_the_images(self):
        one = recorded()
        np.testing.assert_array_equal(one.imu.T_imu_to_probe, one.session.T_imu_to_probe)
        assert one.imu.time_s[0] <= one.time_s[0]
        assert one.imu.time_s[-1] >= one.time_s[-1] - 0.3


class TestInfants:
    def test_have_the_six_sweeps_of_the_protocol(self):
        found = record_infant(3, "S001", head_depth_mm=DEPTHS)
        assert list(found) == [kind.sweep_id for kind in read_protocol()]
        assert [one.sweep_id for one in found.values()] == list(found)

    def test_one_sweep_less_changes_no_other(self):
        kinds = read_protocol()
        whole = record_infant(3, "S001", head_depth_mm=DEPTHS)
        part = record_infant(3, "S001", head_depth_mm=DEPTHS, kinds=(kinds[4], kinds[1]))
        assert list(part) == ["right_p_a", "left_p_a"]
        for name, one in part.items():
            np.testing.assert_array_equal(one.T_image_to_hip, whole[name].T_image_to_hip)
            np.testing.assert_array_equal(
                one.imu.acceleration_m_s2, whole[name].imu.acceleration_m_s2
            )

    def test_differ_from_each_other_and_between_seeds(self):
        first, other, seeded = (
            record_infant(seed, name, head_depth_mm=DEPTHS)["left_p_a"]
            for seed, name in ((3, "S001"), (3, "S002"), (4, "S001"))
        )
        assert len({one.session.lag_s for one in (first, other, seeded)}) == 3
        assert len({one.plan.path_length_mm for one in (first, other, seeded)}) == 3

    def test_flexion_differs_between_the_sweeps_of_a_session(self):
        found = record_infant(3, "S001", head_depth_mm=DEPTHS).values()
        offsets = [one.plan.flexion_offset_deg for one in found]
        assert len(set(offsets)) == 6
        assert np.abs(offsets).max() < 20

    def test_every_side_needs_a_head_depth(self):
        with pytest.raises(ValueError, match="head_depth_mm must name every side, lacks right"):
            record_infant(3, "S001", head_depth_mm={"left": 21.0})
