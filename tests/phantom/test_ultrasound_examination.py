"""Physics on the native grid: the checked numbers, before gain and grey map."""

from dataclasses import replace

import numpy as np
import pytest
from ultrasound_scene import HEAD_DEPTH_MM as DEPTH_MM
from ultrasound_scene import grid as scene_grid
from ultrasound_scene import hip_scene as crude_hip
from ultrasound_scene import homogeneous_scene, image_to_hip, make_scene, slab_scene

from hipus.phantom.ultrasound import checks
from hipus.phantom.ultrasound.appearance import draw_appearance
from hipus.phantom.ultrasound.examination import mean_frame, prepare, render_native
from hipus.phantom.ultrasound.settings import INSONIFIED_DB, ProbeSettings
from hipus.phantom.ultrasound.speckle import build_field

#: One look, no vendor's smoothing, no noise, no clutter: physics alone.
PURE = ProbeSettings(
    line_count=192,
    looks=1,
    smoothing=1.0,
    noise_db=-np.inf,
    clutter_scale=0.0,
    reverberation_scale=0.0,
)
SEEN = replace(PURE, looks=2, smoothing=0.5, noise_db=-73.0, clutter_scale=1.0)


@pytest.fixture(scope="module")
def field():
    return build_field(np.random.default_rng(11), PURE)


@pytest.fixture(scope="module")
def even():
    """Tissue without layers and slow variation."""
    drawn = draw_appearance(np.random.default_rng(0))
    levels = drawn.levels._replace(roughness_mm=0.0)
    return replace(drawn, levels=levels, slow=0 * drawn.slow, tables=0 * drawn.tables)


def render(scene, poses, settings, appearance, field, *, seed=2, **options):
    """Return dB and transmission of every pose of one sweep, (N, samples, lines) each."""
    poses = np.asarray(poses)
    exam = prepare(
        scene, poses, settings, np.random.default_rng(seed), appearance=appearance, field=field
    )
    return (np.stack(part) for part in zip(
        *[render_native(exam, pose, **options) for pose in poses], strict=True))  # fmt: skip


def rows_at(depth_mm, settings, *, half_mm=2.0):
    return np.abs(settings.sample_y_mm() - depth_mm) < half_mm


def turned(pose):
    """Return a pose turned by 90 degrees about its beam: lateral becomes elevational."""
    turn = np.eye(4)
    turn[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    return pose @ turn


def steps(pose, distances_mm, *, axis):
    """Return poses moved along one image axis: 0 lateral, 1 axial, 2 elevational."""
    moved = np.stack([np.eye(4)] * len(distances_mm))
    moved[:, axis, 3] = distances_mm
    return pose @ moved


class TestDevelopedSpeckle:
    @pytest.mark.parametrize("depth_mm", [10.0, 22.0, 35.0])
    def test_envelope_snr_is_1_91(self, even, field, depth_mm):
        poses = [image_to_hip(y) for y in (-6.0, 0.0, 6.0)]
        db, _ = render(homogeneous_scene(), poses, PURE, even, field)
        envelope = checks.to_envelope(db[:, rows_at(depth_mm, PURE, half_mm=4)])
        assert checks.envelope_snr(envelope) == pytest.approx(1.91, abs=0.05)

    @pytest.mark.parametrize("depth_mm", [10.0, 20.0, 34.0])
    def test_in_plane_correlation_lengths_are_those_designed(self, even, field, depth_mm):
        poses = [image_to_hip(y) for y in (-8.0, 0.0, 8.0)]
        db, _ = render(homogeneous_scene(), poses, PURE, even, field)
        envelope = checks.to_envelope(db[:, rows_at(depth_mm, PURE)])
        axial = checks.correlation_fwhm_mm(envelope, PURE.sample_pitch_mm, axis=1)
        lateral = checks.correlation_fwhm_mm(envelope, PURE.line_pitch_mm, axis=2)
        assert axial == pytest.approx(PURE.axial_fwhm_at(depth_mm), rel=0.1)
        assert lateral == pytest.approx(PURE.lateral_fwhm_at(depth_mm), rel=0.1)

    @pytest.mark.parametrize("turn", [lambda pose: pose, turned], ids=["p_a", "p_d"])
    @pytest.mark.parametrize("depth_mm", [20.0, 36.0])
    def test_elevational_decorrelation_has_the_designed_shape(self, even, field, turn, depth_mm):
        """In both orientations: a field in anatomical axes would fail the second."""
        distances = np.array([0, 0.1, 0.3, 0.5, 0.8, 1.2, 2.0])
        poses = steps(turn(image_to_hip(-1.0)), distances, axis=2)
        db, _ = render(homogeneous_scene(), poses, PURE, even, field)
        measured = checks.decorrelation(checks.to_envelope(db[:, rows_at(depth_mm, PURE)]))
        width = PURE.elevational_fwhm_at(depth_mm)
        designed = checks.designed_decorrelation(distances, width)
        np.testing.assert_allclose(measured, designed, atol=0.09)

    def test_lateral_motion_moves_the_speckle_along(self, even, field):
        """By four lines: the pattern is the same, four lines further."""
        poses = steps(image_to_hip(0.0), [0.0, 4 * PURE.line_pitch_mm], axis=0)
        db, _ = render(homogeneous_scene(), poses, PURE, even, field)
        np.testing.assert_allclose(db[1, 20:-20, :-4], db[0, 20:-20, 4:], atol=0.2)

    def test_no_motion_means_no_decorrelation(self, even, field):
        db, _ = render(homogeneous_scene(), [image_to_hip(1.0)] * 2, PURE, even, field)
        np.testing.assert_array_equal(db[0], db[1])

    def test_noise_alone_decorrelates_a_still_probe_and_only_a_little(self, even, field):
        settings = replace(PURE, noise_db=-73.0)
        pose = image_to_hip(1.0)
        exam = prepare(
            homogeneous_scene(), [pose], settings, np.random.default_rng(1),
            appearance=even, field=field,
        )  # fmt: skip
        frames = [render_native(exam, pose, noise_start=(k, 7 * k, 3))[0] for k in (1, 40)]
        shared = checks.decorrelation([checks.to_envelope(db)[50:] for db in frames])[1]
        assert 0.9 < shared < 0.999

    def test_two_looks_and_smoothing_calm_the_speckle(self, even, field):
        poses = [image_to_hip(0.0)]
        raw, _ = render(homogeneous_scene(), poses, PURE, even, field)
        calm, _ = render(
            homogeneous_scene(), poses, replace(PURE, looks=2, smoothing=0.5), even, field
        )
        assert calm[0, 50:].std() < 0.4 * raw[0, 50:].std()


class TestTissueDependence:
    def test_fascia_decorrelates_later_than_the_head(self, field):
        appearance = draw_appearance(np.random.default_rng(3))
        poses = steps(image_to_hip(-0.5), [0.0, 1.0], axis=2)
        db, _ = render(crude_hip(), poses, PURE, appearance, field)
        x, y = PURE.line_x_mm(), PURE.sample_y_mm()
        radius = np.hypot(x[None], y[:, None] - DEPTH_MM)
        muscle = (y[:, None] > 3) & (y[:, None] < 10) & (x[None] > -99)
        head = checks.decorrelation(checks.to_envelope(db[:, radius < 6]))[1]
        layered = checks.decorrelation(checks.to_envelope(db[:, muscle]))[1]
        assert layered > head + 0.15


class TestShadow:
    def test_transmission_behind_bone_is_20_db_down_within_a_millimetre(self, even, field):
        _, passed = render(slab_scene(), [image_to_hip(0.0)], PURE, even, field)
        front = DEPTH_MM
        behind = passed[0, rows_at(front + 3.0, PURE)][:, :60]
        assert behind.max() < -20
        assert passed[0, rows_at(front - 3.0, PURE)][:, :60].min() > -1

    def test_echo_behind_bone_is_20_db_down_without_clutter_and_noise(self, even, field):
        db, _ = render(slab_scene(), [image_to_hip(0.0)], PURE, even, field)
        muscle = checks.to_envelope(db[0, rows_at(14, PURE)])[:, :60].mean()
        shadow = checks.to_envelope(db[0, rows_at(30, PURE)])[:, :60].mean()
        assert 20 * np.log10(shadow / muscle) < -20

    def test_beside_the_bone_nothing_is_in_shadow(self, even, field):
        _, passed = render(slab_scene(), [image_to_hip(0.0)], PURE, even, field)
        assert passed[0, rows_at(30, PURE)][:, -60:].min() > -1

    def test_the_shadow_is_cranial_where_the_slab_is(self, even, field):
        """The slab fills z > 0, and cranial is at the left."""
        _, passed = render(slab_scene(), [image_to_hip(0.0)], PURE, even, field)
        is_dark = passed[0, rows_at(30, PURE)].mean(axis=0) < INSONIFIED_DB
        edge = PURE.line_x_mm()[is_dark].max()
        assert is_dark[0]
        assert -3 < edge < 0.5

    def test_a_shadows_edge_is_blurred_more_at_depth(self, even, field):
        _, passed = render(slab_scene(12.0), [image_to_hip(0.0)], PURE, even, field)
        amplitude = 10 ** (passed[0] / 20)

        def width(depth_mm):
            row = amplitude[rows_at(depth_mm, PURE)].mean(axis=0)
            return np.sum((row > 0.1) & (row < 0.9))

        assert width(38.0) > 1.4 * width(12.0)

    def test_with_clutter_the_shadow_is_not_black(self, even, field):
        quiet, _ = render(slab_scene(), [image_to_hip(0.0)], PURE, even, field)
        loud, _ = render(slab_scene(), [image_to_hip(0.0)], SEEN, even, field)
        behind = rows_at(25, PURE)
        assert loud[0, behind][:, :60].mean() > quiet[0, behind][:, :60].mean() + 15

    def test_loss_scales_with_frequency(self, even, field):
        double = replace(PURE, frequency_mhz=20.0)
        row = int(np.flatnonzero(PURE.sample_y_mm() > DEPTH_MM + 0.3)[0])
        low, high = (
            next(render(slab_scene(), [image_to_hip(0.0)], s, even, field, seed=1))
            for s in (PURE, double)
        )
        assert low.shape == high.shape
        _, low = render(slab_scene(), [image_to_hip(0.0)], PURE, even, field)
        _, high = render(slab_scene(), [image_to_hip(0.0)], double, even, field)
        assert high[0, row, 10] == pytest.approx(2 * low[0, row, 10], rel=0.05)

    def test_cartilage_enhances_what_lies_behind(self, field, even):
        scene = crude_hip()
        _, passed = render(scene, [image_to_hip(0.0)], PURE, even, field)
        middle = np.abs(PURE.line_x_mm()) < 1
        at_bottom = passed[0, rows_at(DEPTH_MM + 7, PURE, half_mm=0.2)][:, middle]
        assert at_bottom.min() > 1.0

    def test_a_heads_sides_cast_edge_shadows(self, even, field):
        points, _ = scene_grid()
        ball = make_scene(head_distance=np.linalg.norm(points, axis=-1) - 8)
        _, passed = render(ball, [image_to_hip(0.0)], PURE, even, field)
        profile = passed[0, rows_at(DEPTH_MM + 9, PURE, half_mm=0.5)].mean(axis=0)
        x = np.abs(PURE.line_x_mm())
        assert profile[np.abs(x - 8) < 0.4].mean() < profile[x > 12].mean() - 0.5
        assert profile[x < 3].mean() > profile[x > 12].mean() + 1


class TestReflection:
    @staticmethod
    def tilted(angle_deg):
        points, _ = scene_grid()
        normal = [np.cos(np.deg2rad(angle_deg)), 0, np.sin(np.deg2rad(angle_deg))]
        return make_scene(ilium_distance=points @ normal)

    def test_a_bone_reflects_less_the_more_it_is_tilted(self, even, field):
        echoes = []
        for angle in (0, 30, 60):
            db, _ = render(self.tilted(angle), [image_to_hip(0.0)], PURE, even, field)
            echoes.append(db[0, :, 76:116].max(axis=0).mean())
        assert echoes[0] - echoes[1] > 1.2
        assert echoes[1] - echoes[2] > 5

    def test_head_on_it_is_about_zero_db(self, even, field):
        db, _ = render(self.tilted(0), [image_to_hip(0.0)], PURE, even, field)
        level = even.levels.bone_db
        assert db[0].max() == pytest.approx(level, abs=6)

    def test_bone_echoes_again_at_twice_its_depth(self, even, field):
        settings = replace(PURE, reverberation_scale=50.0)
        db, _ = render(slab_scene(3.0), [image_to_hip(0.0)], settings, even, field)
        profile = db[0, :, 10:60].mean(axis=1)
        depth = PURE.sample_y_mm()
        behind = depth > DEPTH_MM
        peak = depth[behind][np.argmax(profile[behind])]
        assert peak == pytest.approx(2 * (DEPTH_MM - 3.0), abs=0.8)


class TestContact:
    def test_lost_lines_are_dark_and_count_as_not_insonified(self, even, field):
        contact = np.ones(PURE.line_count, np.float32)
        contact[:40] = 0
        db, passed = render(
            homogeneous_scene(), [image_to_hip(0.0)], PURE, even, field, contact=contact
        )
        assert passed[0, :, :40].max() < INSONIFIED_DB
        assert db[0, 60:, :36].mean() < db[0, 60:, 60:].mean() - 30

    def test_without_contact_the_probes_cover_rings(self, even, field):
        settings = replace(PURE, clutter_scale=1.0)
        off = np.zeros(PURE.line_count, np.float32)
        scene, poses = homogeneous_scene(), [image_to_hip(0.0)]
        lost, _ = render(scene, poses, settings, even, field, contact=off)
        touched, _ = render(scene, poses, settings, even, field)
        near = rows_at(2.0, PURE, half_mm=1.0)
        assert lost[0, near].mean() > touched[0, near].mean()


class TestPlacement:
    def test_the_mean_frame_of_opposite_tilts_is_untilted(self):
        tilt = np.deg2rad(10)
        poses = np.stack([np.eye(4)] * 2)
        for pose, sign in zip(poses, (1, -1), strict=True):
            pose[:2, :2] = [
                [np.cos(tilt), -sign * np.sin(tilt)],
                [sign * np.sin(tilt), np.cos(tilt)],
            ]
            pose[0, 3] = 1 + sign
        expected = np.eye(4)
        expected[0, 3] = 1
        np.testing.assert_allclose(mean_frame(poses), expected, atol=1e-12)

    def test_two_sweeps_of_one_hip_share_layers(self, field):
        """Fascia stays with the anatomy, wherever the speckle lies."""
        appearance = draw_appearance(np.random.default_rng(8))
        first, second = (
            next(render(slab_scene(), [image_to_hip(0.0)], PURE, appearance, field, seed=seed))[0]
            for seed in (1, 2)
        )
        muscle = rows_at(10, PURE, half_mm=7)
        layered = [image[muscle].mean(axis=1) for image in (first, second)]
        assert np.corrcoef(*layered)[0, 1] > 0.9

    def test_two_sweeps_share_no_speckle(self, even, field):
        first, second = (
            next(render(homogeneous_scene(), [image_to_hip(0.0)], PURE, even, field, seed=seed))[0]
            for seed in (1, 2)
        )
        assert abs(np.corrcoef(first[40:].ravel(), second[40:].ravel())[0, 1]) < 0.05

    def test_a_pose_that_is_not_rigid_is_refused(self, even, field):
        with pytest.raises(ValueError, match="T_image_to_hip"):
            prepare(
                slab_scene(), [2 * np.eye(4)], PURE, np.random.default_rng(0),
                appearance=even, field=field,
            )  # fmt: skip
