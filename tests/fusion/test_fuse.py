"""Two sweeps of one hip, the whole way from labels to one volume."""

from dataclasses import replace

import numpy as np
import pytest
from made_crossing import (
    HEAD_MM,
    RADIUS_MM,
    greys_at,
    labels_at,
    misjudged,
    study_sweep,
    true_poses,
    volume_of,
)

from hipus import geometry
from hipus.fusion.fuse import LabelledSweep, fuse_sweeps
from hipus.fusion.hip_errors import TrueSweep, shell_targets, target_error
from hipus.fusion.joint import Level
from hipus.labels import HipLabel

LEVELS = (Level(2.0, 8.0, 12, 0), Level(1.5, 6.0, 25, 5))
TARGETS = shell_targets(HEAD_MM, RADIUS_MM, count=100)
LOST = 7


def labelled(sweep) -> LabelledSweep:
    """Return a sweep with its volume and its truth as labels."""
    volume = volume_of(sweep)
    return LabelledSweep(sweep, volume, volume.labels["truth"])


@pytest.fixture(scope="module")
def pair() -> tuple[LabelledSweep, LabelledSweep]:
    """Return both sweeps with wrong ways; the second has lost the pose of a frame."""
    true = true_poses()
    thought = [
        misjudged(true[0], factor=0.93, bend_mm=[0.8, 0.4, 0.0]),
        misjudged(true[1], factor=1.06, bend_mm=[-0.6, 0.3, 0.4]),
    ]
    thought[1][LOST] = np.nan
    kinds = "p_a", "p_d"
    return tuple(
        labelled(study_sweep(T, own, sweep_type=kind))
        for T, own, kind in zip(true, thought, kinds, strict=True)
    )


@pytest.fixture(scope="module")
def fusion(pair):
    """Return the two fused."""
    return fuse_sweeps(*pair, levels=LEVELS)


class TestFuseSweeps:
    def test_both_sweeps_have_the_same_places_near_the_head(self, fusion):
        sweeps = [
            TrueSweep(T, true)
            for T, true in zip(
                (fusion.T_first_to_world, fusion.T_second_to_world), true_poses(), strict=True
            )
        ]
        found = target_error(*sweeps, fusion.T_second_to_first, targets_mm=TARGETS)
        assert found.mean_mm < 0.4
        assert found.seen_share > 0.95

    def test_frames_without_a_pose_stay_without(self, fusion):
        assert np.isnan(fusion.T_second_to_world[LOST]).all()
        assert np.isfinite(np.delete(fusion.T_second_to_world, LOST, axis=0)).all()
        assert np.isfinite(fusion.T_first_to_world).all()

    def test_the_fused_volume_shows_the_hip(self, pair, fusion):
        volume = fusion.volume
        z, y, x = np.indices(volume.grid.shape_zyx)
        places = np.stack([x, y, z], axis=-1) * volume.grid.spacing_xyz_mm
        places = places + np.array(volume.grid.origin_xyz_mm)
        T_world_to_hip = true_poses()[0][20] @ geometry.invert(fusion.T_first_to_world[20])
        hip = geometry.apply(T_world_to_hip, places.reshape(-1, 3)).reshape(places.shape)
        inner = volume.is_known & (np.linalg.norm(hip - HEAD_MM, axis=-1) < RADIUS_MM + 4)
        assert np.corrcoef(volume.grey[inner], greys_at(hip[inner]))[0, 1] > 0.85
        truth, ours = (
            labels == HipLabel.FEMORAL_HEAD for labels in (labels_at(hip), volume.labels)
        )
        assert 2 * (truth & ours).sum() / (truth.sum() + ours.sum()) > 0.93

    def test_the_fused_volume_holds_more_than_the_first(self, pair, fusion):
        voxel_mm3 = np.prod(fusion.volume.grid.spacing_xyz_mm)
        alone = pair[0].volume
        known = fusion.volume.is_known.sum() * voxel_mm3
        assert known > 1.1 * alone.is_known.sum() * np.prod(alone.grid.spacing_xyz_mm)
        assert fusion.diagnostics.common_mm3 < known

    def test_diagnostics_tell_of_every_step(self, fusion):
        told = fusion.diagnostics
        assert told.heads_apart_mm < 0.8
        assert told.rigid.correlation > 0.3
        assert len(told.joint.agreement) == 37

    def test_each_sweep_alone_is_there_by_its_refined_poses(self, pair, fusion):
        for one, given, T in zip(
            fusion.refined,
            pair,
            (fusion.T_first_to_world, fusion.T_second_to_world),
            strict=True,
        ):
            np.testing.assert_array_equal(one.sweep.T_centre_to_world, T)
            assert one.labels.shape == one.volume.grid.shape_zyx
            assert one.name == given.name

    def test_the_sweep_along_the_way_to_the_ilium_tells_the_labels(self, fusion):
        assert fusion.roof_sweep == 0
        first = fusion.roof
        assert first is fusion.refined[0]
        own = (first.labels == HipLabel.ILIUM).sum() * np.prod(first.volume.grid.spacing_xyz_mm)
        volume = fusion.volume
        fused = (volume.labels == HipLabel.ILIUM).sum() * np.prod(volume.grid.spacing_xyz_mm)
        assert fused == pytest.approx(own)

    def test_whoever_labels_is_asked_once_for_each_refined_sweep(self, pair):
        seen = []

        def label(volume):
            seen.append(volume)
            return volume.labels["truth"]

        fused = fuse_sweeps(*pair, levels=(Level(3.0, 9.0, 2, 0),), relabel=label)
        assert [one.volume for one in fused.refined] == seen
        assert (fused.volume.labels == HipLabel.FEMORAL_HEAD).any()


class TestRefusals:
    def test_sweeps_of_two_hips(self, pair):
        other = replace(pair[1], sweep=replace(pair[1].sweep, side="right"))
        with pytest.raises(ValueError, match="must show one hip, got left of S1 and right of S1"):
            fuse_sweeps(pair[0], other)

    def test_a_sweep_without_ilium_is_named(self, pair):
        second = pair[1]
        labels = np.where(second.labels == HipLabel.ILIUM, 0, second.labels).astype(np.uint8)
        with pytest.raises(ValueError, match="S1/left_p_d: label ilium is missing"):
            fuse_sweeps(pair[0], replace(second, labels=labels))

    def test_sweeps_that_share_nothing_are_named(self, pair):
        first, second = pair
        volume = replace(second.volume, is_known=np.zeros_like(second.volume.is_known))
        with pytest.raises(
            ValueError, match=r"S1/left_p_a and S1/left_p_d do not overlap: 0 mm3 .* missing"
        ):
            fuse_sweeps(first, replace(second, volume=volume))


class TestLabelledSweep:
    def test_frames_get_back_the_labels_they_gave(self, pair):
        one = pair[0]
        found = one.frame_masks()
        head = found == HipLabel.FEMORAL_HEAD, one.sweep.masks == HipLabel.FEMORAL_HEAD
        assert 2 * (head[0] & head[1]).sum() / (head[0].sum() + head[1].sum()) > 0.9

    def test_only_frames_with_a_pose_are_viewed(self, pair):
        view = pair[1].view()
        assert len(view.frames) == len(view.masks) == len(pair[1].sweep) - 1
        assert np.isfinite(view.T_centre_to_world).all()

    def test_the_black_canvas_has_no_label(self, pair):
        frames = pair[0].sweep.frames.copy()
        frames[:, :6], frames[:, :, 40:] = 0, 0
        one = replace(pair[0], sweep=replace(pair[0].sweep, frames=frames))
        one = replace(one, labels=np.full_like(one.labels, HipLabel.ILIUM))
        found = one.frame_masks()
        assert not found[:, :6].any()
        assert not found[:, :, 40:].any()
        assert found[20, 10:30, 10:30].all()
