"""Space and time at once: known lags are recovered, and slow motion is reported as such."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.calibration import spatiotemporal
from hipus.calibration.wires import NWirePhantom, SegmentationSettings

T_PHANTOM_TO_REFERENCE = geometry.transform(
    rotations.from_euler([80.0, -20.0, 35.0], "ZYX"), [15.0, -25.0, -40.0]
)
#: Anisotropic pixels (0.08 and 0.11 mm) on an oblique mount.
T_PIXEL_TO_PROBE = geometry.compose(
    geometry.transform(rotations.from_euler([30.0, 10.0, -75.0], "ZYX"), [11.0, 48.0, -2.0]),
    geometry.transform(np.diag([0.08, 0.11, 1.0])),
)
IMAGE_S = 50 + np.arange(0, 12, 0.083)


@pytest.fixture(scope="module")
def phantom() -> NWirePhantom:
    """Return three layers of N-wires, 40 mm long, 30 mm wide, 10 mm apart."""
    ends = []
    for height, first, last in ((20.0, 55.0, 35.0), (10.0, 35.0, 55.0), (0.0, 55.0, 40.0)):
        ends += [
            [[30.0, 0, height], [30.0, 40, height]],
            [[first, 0, height], [last, 40, height]],
            [[60.0, 0, height], [60.0, 40, height]],
        ]
    ends = np.array(ends)
    return NWirePhantom(
        names=tuple(f"wire{number}" for number in range(9)),
        front_mm=ends[:, 0],
        back_mm=ends[:, 1],
        T_phantom_to_reference=T_PHANTOM_TO_REFERENCE,
        segmentation=SegmentationSettings(approximate_spacing_mm=0.1),
    )


def image_to_phantom(time_s, pace):
    """Return where the image (mm) is in the phantom: swaying about the wires' middle."""
    time_s = np.atleast_1d(time_s)
    sway = np.stack([np.sin(1.9 * pace * time_s + phase) for phase in (0, 1, 2, 3, 4.5, 5.2)], 1)
    sway += 0.4 * np.stack([np.sin(4.3 * pace * time_s + phase) for phase in range(6)], axis=1)
    # u along the phantom's x, v along its -z, the normal along its y.
    upright = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    turned = rotations.from_euler(sway[:, :3] * [12.0, 10.0, 14.0], "ZYX") @ upright
    return geometry.transform(turned, [25.0, 20.0, 45.0] + sway[:, 3:] * [4.0, 7.0, 5.0])


def probe_to_reference(time_s, pace):
    """Return the probe's true poses."""
    T_image_to_probe = T_PIXEL_TO_PROBE @ np.diag([1 / 0.08, 1 / 0.11, 1.0, 1.0])
    return geometry.compose(
        T_PHANTOM_TO_REFERENCE, image_to_phantom(time_s, pace), geometry.invert(T_image_to_probe)
    )


def wire_points_px(time_s, phantom, pace):
    """Return (F, 9, 2): where the image plane cuts each wire."""
    T = geometry.compose(
        geometry.invert(T_PHANTOM_TO_REFERENCE), probe_to_reference(time_s, pace), T_PIXEL_TO_PROBE
    )
    along = phantom.back_mm - phantom.front_mm
    points = np.empty((len(T), len(along), 2))
    for wire in range(len(along)):
        columns = np.stack(
            [T[:, :3, 0], T[:, :3, 1], np.broadcast_to(-along[wire], (len(T), 3))], axis=2
        )
        offset = phantom.front_mm[wire] - T[:, :3, 3]
        points[:, wire] = np.linalg.solve(columns, offset[..., None])[:, :2, 0]
    return points


def recording(phantom, lag_s, *, pace=1.0, pose_rate_hz=40.0, noise_px=0.0, noise_mm=0.0, rng=None):
    """Return image times, points, pose times, poses; poses are stamped `lag_s` late."""
    true_s = np.arange(49, 63.5, 1 / pose_rate_hz)
    points_px, T = wire_points_px(IMAGE_S, phantom, pace), probe_to_reference(true_s, pace)
    if noise_px:
        points_px = points_px + rng.normal(0, noise_px, points_px.shape)
    if noise_mm:
        T[:, :3, 3] += rng.normal(0, noise_mm, (len(T), 3))
    return IMAGE_S, points_px, true_s + lag_s, T


def row_wise(phantom):
    """Return a plain least-squares solver, independent of the package's."""

    def solve(points_px, T_probe_to_reference):
        in_reference = geometry.apply(T_PHANTOM_TO_REFERENCE, phantom.middle_points_mm(points_px))
        in_probe = geometry.apply(geometry.invert(T_probe_to_reference), in_reference)
        middle = points_px[:, 1::3].reshape(-1, 2)
        homogeneous = np.column_stack([middle, np.ones(len(middle))])
        columns = np.linalg.lstsq(homogeneous, in_probe.reshape(-1, 3), rcond=None)[0]
        T = np.eye(4)
        T[:3, [0, 1, 3]] = columns.T
        return T

    return solve


class TestSimulatedRecovery:
    @pytest.mark.parametrize("lag_s", [-0.2433, -0.12, -0.0471])
    def test_lag_is_recovered_within_two_milliseconds(self, phantom, rng, lag_s):
        data = recording(phantom, lag_s, noise_px=1.0, noise_mm=0.05, rng=rng)
        found = spatiotemporal.calibrate(*data, phantom, step_s=0.01, solve=row_wise(phantom))
        assert found.lag_s == pytest.approx(lag_s, abs=0.002)
        assert found.equivalent_lags_s[0] - 0.01 <= lag_s <= found.equivalent_lags_s[1] + 0.01

    def test_calibration_at_the_lag_is_the_true_one(self, phantom):
        data = recording(phantom, -0.12)
        found = spatiotemporal.calibrate(*data, phantom, step_s=0.01, solve=row_wise(phantom))
        assert found.lag_s == pytest.approx(-0.12, abs=0.001)
        assert found.error_mm < 0.02
        columns = [0, 1, 3]
        assert found.T_pixel_to_probe[:3, columns] == pytest.approx(
            T_PIXEL_TO_PROBE[:3, columns], abs=0.02
        )

    def test_positive_lags_are_found_when_the_range_allows_them(self, phantom):
        data = recording(phantom, +0.06)
        found = spatiotemporal.calibrate(
            *data, phantom, lag_range_s=(-0.1, 0.2), step_s=0.02, solve=row_wise(phantom)
        )
        assert found.lag_s == pytest.approx(0.06, abs=0.002)

    @pytest.mark.parametrize("method", ["classic", "joint"])
    def test_the_package_s_own_solvers_find_the_same(self, phantom, rng, method):
        image_s, points_px, *poses = recording(phantom, -0.12, noise_px=0.2, rng=rng)
        # A third of the frames: the joint fit is a hundred times as dear as the classic one.
        own = spatiotemporal.calibrate(
            image_s[::3],
            points_px[::3],
            *poses,
            phantom,
            step_s=0.02,
            lag_range_s=(-0.18, -0.06),
            method=method,
        )
        assert own.lag_s == pytest.approx(-0.12, abs=0.002)

    def test_later_pose_stamps_raise_the_lag_by_as_much(self, phantom, rng):
        image_s, points_px, pose_s, T = recording(phantom, -0.2, noise_px=3.0, rng=rng)
        first, second = (
            spatiotemporal.calibrate(
                image_s,
                points_px,
                pose_s + late_s,
                T,
                phantom,
                step_s=0.01,
                solve=row_wise(phantom),
            ).lag_s
            for late_s in (0.0, 0.1)
        )
        assert second - first == pytest.approx(0.1, abs=0.001)


class TestDoubt:
    def test_scan_covers_the_range_but_not_its_end(self, phantom):
        data = recording(phantom, -0.12)
        found = spatiotemporal.calibrate(*data, phantom, step_s=0.02, solve=row_wise(phantom))
        assert found.lags_s == pytest.approx(np.arange(-0.3, -0.01, 0.02))
        assert found.errors_mm.shape == found.lags_s.shape
        assert found.lags_s[found.errors_mm.argmin()] == pytest.approx(-0.12)

    def test_slow_motion_gives_a_wider_minimum_and_interval(self, phantom, rng):
        quick, slow = (
            spatiotemporal.calibrate(
                *recording(phantom, -0.15, pace=pace, noise_px=4.0, noise_mm=0.15, rng=rng),
                phantom,
                step_s=0.01,
                solve=row_wise(phantom),
            )
            for pace in (1.0, 0.15)
        )
        assert np.ptp(slow.equivalent_lags_s) > 2 * np.ptp(quick.equivalent_lags_s)
        assert slow.lag_sd_s > 2 * quick.lag_sd_s
        assert slow.lag_interval_s[0] < -0.15 < slow.lag_interval_s[1]

    def test_smoothing_removes_false_minima_between_sparse_noisy_poses(self, phantom, rng):
        data = recording(phantom, -0.12, pace=0.2, pose_rate_hz=12.5, noise_mm=0.3, rng=rng)
        # Image times locked to the pose times: the worst case of linear interpolation.
        image_s = 50 + 0.08 * np.arange(140)
        data = (image_s, wire_points_px(image_s, phantom, 0.2), *data[2:])
        turns = {}
        for smoothing_s in (0.0, None):
            found = spatiotemporal.calibrate(
                *data, phantom, smoothing_s=smoothing_s, solve=row_wise(phantom)
            )
            turns[smoothing_s] = np.count_nonzero(np.diff(np.sign(np.diff(found.errors_mm))))
        assert turns[0.0] >= 3
        assert turns[None] == 1

    def test_frames_without_wires_or_poses_are_left_out_and_counted(self, phantom):
        image_s, points_px, pose_s, T = recording(phantom, -0.12)
        points_px[[4, 9], 2] = np.nan
        T[pose_s > 60] = np.nan
        found = spatiotemporal.calibrate(
            image_s, points_px, pose_s, T, phantom, step_s=0.02, solve=row_wise(phantom)
        )
        expected = np.sum(image_s - 0.02 <= 60) - 2
        assert found.frames_used == pytest.approx(expected, abs=2)
        assert found.frames_total == len(image_s)
        assert found.lag_s == pytest.approx(-0.12, abs=0.002)


class TestErrors:
    @pytest.mark.parametrize("lag_range_s", [(0.0, -0.3), (-0.01, 0.0), (np.nan, 0.0)])
    def test_empty_or_short_range_is_refused(self, phantom, lag_range_s):
        with pytest.raises(ValueError, match="lag_range_s must span at least 5 steps of 0.005"):
            spatiotemporal.calibrate(*recording(phantom, 0.0), phantom, lag_range_s=lag_range_s)

    def test_minimum_at_the_end_is_refused(self, phantom):
        data = recording(phantom, +0.05)
        with pytest.raises(ValueError, match="lies at the end of the range, at -0.020 s"):
            spatiotemporal.calibrate(*data, phantom, step_s=0.02, solve=row_wise(phantom))

    def test_points_of_other_wires_are_refused(self, phantom):
        image_s, points_px, pose_s, T = recording(phantom, -0.1)
        with pytest.raises(ValueError, match=r"points_px must be \(145, 9, 2\), got \(145, 6, 2\)"):
            spatiotemporal.calibrate(image_s, points_px[:, :6], pose_s, T, phantom)

    def test_poses_must_match_their_times(self, phantom):
        image_s, points_px, pose_s, T = recording(phantom, -0.1)
        with pytest.raises(ValueError, match=r"T_probe_to_reference must be \(\d+, 4, 4\), got"):
            spatiotemporal.calibrate(image_s, points_px, pose_s, T[1:], phantom)

    def test_repeated_pose_time_is_refused(self, phantom):
        image_s, points_px, pose_s, T = recording(phantom, -0.1)
        pose_s[3] = pose_s[2]
        with pytest.raises(ValueError, match="pose_time_s must increase strictly"):
            spatiotemporal.calibrate(image_s, points_px, pose_s, T, phantom)

    def test_unknown_method_is_refused(self, phantom):
        with pytest.raises(ValueError, match="method must be one of .*'classic', 'joint'.* 'best'"):
            spatiotemporal.calibrate(*recording(phantom, -0.1), phantom, method="best")

    def test_probe_that_stands_still_is_refused(self, phantom):
        image_s, points_px, pose_s, T = recording(phantom, -0.1)
        points_px[:], T[:] = points_px[0], T[0]
        with pytest.raises(ValueError, match="poses"):
            spatiotemporal.calibrate(image_s, points_px, pose_s, T, phantom)

    def test_recordings_apart_in_time_are_refused(self, phantom):
        image_s, points_px, pose_s, T = recording(phantom, -0.1)
        with pytest.raises(ValueError, match="20 frames with wires and a pose at all lags"):
            spatiotemporal.calibrate(image_s + 100, points_px, pose_s, T, phantom)


@pytest.mark.real
class TestRealWires:
    """The fCal 2.0 sweeps with their pose stamps shifted by -120 ms.

    The probe moves at about 5 mm/s against an error of about 0.45 mm, so that 10 ms change
    the error by less than chance does: the sweeps' own lags, before any shift, differ from 0
    and from each other by tens of milliseconds. What can be held is the shift itself, and
    that the stated interval holds the truth.
    """

    @pytest.fixture(params=["Calibration", "Validation"])
    def data(self, request, real_file):
        import defusedxml.ElementTree as ElementTree

        from hipus.calibration.plus_phantom import read_phantom
        from hipus.formats import metafile

        kind = request.param
        sweep = metafile.read(
            real_file(f"plus/fCal_Test_{kind}_3NWires_fCal2.0.igs.mha")
        ).to_sweep()
        phantom = read_phantom(real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"))
        listed = ElementTree.parse(
            real_file("plus/FreehandCalibration3NWires_fCal2.0.results.xml")
        ).getroot()
        points_px = np.full((len(sweep), len(phantom.names), 2), np.nan)
        for frame in next(listed.iter(f"{kind}Data")).findall("Frame"):
            for point in frame.iterfind("SegmentedPoints/Point"):
                position = [float(word) for word in point.get("Position").split()[:2]]
                points_px[int(frame.get("Index")), phantom.names.index(point.get("WireName"))] = (
                    position
                )
        return sweep, points_px, phantom

    def test_a_shift_of_the_stamps_by_120_ms_is_recovered(self, data):
        sweep, points_px, phantom = data
        own, shifted = (
            spatiotemporal.calibrate(
                sweep.time_s,
                points_px,
                sweep.time_s + shift_s,
                sweep.T_probe_to_reference,
                phantom,
                lag_range_s=lag_range_s,
                step_s=0.01,
            )
            for shift_s, lag_range_s in ((0.0, (-0.18, 0.2)), (-0.12, (-0.3, 0.0)))
        )
        assert shifted.lag_s - own.lag_s == pytest.approx(-0.12, abs=0.01)
        assert shifted.lag_interval_s[0] - 0.005 < -0.12 < shifted.lag_interval_s[1]
        assert shifted.equivalent_lags_s[0] <= -0.12 <= shifted.equivalent_lags_s[1]
        assert 0.01 < shifted.lag_sd_s < 0.03
