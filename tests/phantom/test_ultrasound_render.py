"""Sweeps: what comes out, and that neither threads nor blocks change it."""

import numpy as np
import pytest
from ultrasound_scene import hip_scene, image_to_hip

from hipus.labels import HipLabel
from hipus.phantom.scene import Scene
from hipus.phantom.ultrasound.appearance import RANGES, Levels, draw_appearance
from hipus.phantom.ultrasound.guides import BONE, HEAD, SKIN, pack_scene
from hipus.phantom.ultrasound.render import render_sweep, stream_sweep
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.phantom.ultrasound.speckle import build_field

SETTINGS = ProbeSettings(shape_px=(120, 140), line_count=80, sample_pitch_mm=0.15)
POSES = np.stack([image_to_hip(y) for y in (-2.0, -1.0, 0.0, 1.0, 2.0)])


def label(points):
    """Return the head's label within 8 mm of the origin."""
    return np.where(np.linalg.norm(points, axis=1) < 8, HipLabel.FEMORAL_HEAD, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def packed():
    return pack_scene(hip_scene())


@pytest.fixture(scope="module")
def field():
    return build_field(np.random.default_rng(11), SETTINGS)


def render(packed, field, *, seed=3, poses=POSES, **options):
    return render_sweep(
        packed, poses, SETTINGS, np.random.default_rng(seed), field=field, **options
    )


class TestSweep:
    def test_frames_masks_and_transmission_have_their_shapes(self, packed, field):
        sweep = render(packed, field, labels=label)
        assert sweep.frames.shape == sweep.masks.shape == (5, 120, 140)
        assert sweep.frames.dtype == sweep.masks.dtype == np.uint8
        assert sweep.passed_db.shape == (5, SETTINGS.sample_count, 80)

    def test_margins_are_black_and_the_middle_is_not(self, packed, field):
        frames = render(packed, field).frames
        margin = int((140 - SETTINGS.footprint_mm / SETTINGS.pixel_mm) / 2)
        assert margin > 10
        assert not frames[:, :, : margin - 1].any()
        assert not frames[:, :, -margin + 1 :].any()
        assert frames[:, 20:60, 40:100].mean() > 30

    def test_the_mask_shows_the_head_and_none_of_it_in_shadow(self, packed, field):
        sweep = render(packed, field, labels=label)
        head_px = (sweep.masks[2] == HipLabel.FEMORAL_HEAD).sum()
        disc_px = np.pi * (8 / SETTINGS.pixel_mm) ** 2
        assert 0.5 * disc_px < head_px < disc_px
        assert (sweep.masks[2] > 0).sum() > (sweep.masks[0] > 0).sum()

    def test_without_labels_there_is_no_mask(self, packed, field):
        assert render(packed, field).masks is None

    def test_the_head_is_darker_than_muscle_and_shadow_darker_still(self, packed, field):
        frame = render(packed, field, poses=np.repeat(POSES[2:3], 8, axis=0)).frames.mean(axis=0)
        px = 1 / SETTINGS.pixel_mm
        muscle = frame[int(4 * px) : int(11 * px), 50:90].mean()
        head = frame[int(18 * px) : int(24 * px), 62:78].mean()
        shadow = frame[int(33 * px) : int(40 * px), 15:30].mean()
        assert muscle > head > shadow


class TestDeterminism:
    def test_threads_and_blocks_change_nothing(self, packed, field):
        whole = render(packed, field, labels=label, threads=1)
        for threads, block in ((2, 2), (3, 1)):
            blocks = list(
                stream_sweep(
                    packed, POSES, SETTINGS, np.random.default_rng(3),
                    field=field, labels=label, threads=threads, block=block,
                )
            )  # fmt: skip
            assert [part.first for part in blocks] == list(range(0, 5, block))
            np.testing.assert_array_equal(whole.frames, np.concatenate([p.frames for p in blocks]))
            np.testing.assert_array_equal(whole.masks, np.concatenate([p.masks for p in blocks]))

    def test_a_seed_gives_one_sweep_and_another_a_different_one(self, packed, field):
        first, again = (render(packed, field).frames for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert (render(packed, field, seed=4).frames != first).mean() > 0.3

    def test_a_scene_and_its_packed_form_give_the_same(self, packed, field):
        np.testing.assert_array_equal(
            render(hip_scene(), field, poses=POSES[:1]).frames,
            render(packed, field, poses=POSES[:1]).frames,
        )

    def test_a_field_is_built_where_none_is_given(self, packed):
        sweep = render_sweep(packed, POSES[:1], SETTINGS, np.random.default_rng(0))
        assert sweep.frames.any()

    def test_still_frames_differ_by_noise_only(self, packed, field):
        frames = render(packed, field, poses=np.repeat(POSES[2:3], 2, axis=0)).frames.astype(int)
        assert frames[0].any()
        assert 0 < np.abs(frames[0] - frames[1]).mean() < 4


class TestContact:
    def test_contact_is_spread_over_the_footprint(self, packed, field):
        contact = np.ones((5, 8))
        contact[2, :2] = 0
        sweep = render(packed, field, labels=label, contact=contact)
        left, right = sweep.frames[2, 30:60, 20:40].mean(), sweep.frames[2, 30:60, 100:120].mean()
        assert left < 0.4 * right
        assert sweep.frames[1, 30:60, 20:40].mean() > 2 * left

    @pytest.mark.parametrize("contact", [np.ones((4, 8)), np.ones((5, 1)), np.ones(5)])
    def test_contact_of_another_shape_is_refused(self, packed, field, contact):
        with pytest.raises(ValueError, match=r"contact must be \(5, K >= 2\), got"):
            render(packed, field, contact=contact)

    def test_contact_beyond_one_is_refused(self, packed, field):
        with pytest.raises(ValueError, match="contact must lie within 0 and 1"):
            render(packed, field, contact=np.full((5, 3), 1.5))


class TestBadInput:
    def test_no_thread_is_refused(self, packed, field):
        with pytest.raises(ValueError, match="threads and block must be >= 1, got 0 and 5"):
            render(packed, field, threads=0)

    def test_an_invalid_pose_is_refused(self, packed, field):
        poses = POSES.copy()
        poses[3] = np.nan
        with pytest.raises(ValueError, match="T_image_to_hip"):
            render(packed, field, poses=poses)


class TestPacking:
    def test_the_nearest_bone_is_the_least_of_five(self):
        rng = np.random.default_rng(1)
        scene = Scene(rng.normal(0, 2, (12, 3, 4, 5)).astype(np.float32), (0, 0, 0), 0.5, 8.0)
        packed = pack_scene(scene)
        np.testing.assert_array_equal(packed.values[..., BONE], scene.fields[:5].min(axis=0))
        np.testing.assert_array_equal(packed.values[..., HEAD], scene.field("head_distance"))
        np.testing.assert_array_equal(packed.values[..., SKIN], scene.field("skin_depth"))


class TestAppearance:
    def test_every_level_has_a_range_and_lies_within_it(self):
        assert set(RANGES) == set(Levels._fields)
        levels = draw_appearance(np.random.default_rng(5)).levels
        for name, (low, high) in RANGES.items():
            assert low <= getattr(levels, name) <= high

    def test_slow_variation_has_unit_variance_and_is_periodic(self):
        slow = draw_appearance(np.random.default_rng(5)).slow
        np.testing.assert_allclose(slow.std(axis=(0, 1, 2)), 1, rtol=1e-4)
        np.testing.assert_allclose(slow.mean(axis=(0, 1, 2)), 0, atol=1e-4)
        seam = np.abs(slow[0] - slow[-1]).mean()
        assert seam < 2 * np.abs(slow[1] - slow[0]).mean()

    def test_fascia_is_sparse_and_never_negative(self):
        tables = draw_appearance(np.random.default_rng(5)).tables
        assert tables.min() >= 0
        assert 0.02 < (tables[0] > 10).mean() < 0.6

    def test_subjects_differ(self):
        first, second = (draw_appearance(np.random.default_rng(seed)) for seed in (1, 2))
        assert first.levels != second.levels
        assert (first.tables != second.tables).any()
