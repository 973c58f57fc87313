"""Stage `decorrelation_curves`: the motions, in-plane motion undone, theory met, tables whole."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from hipus import geometry, paths, rotations, tables
from hipus.phantom.acquisition.courses import SECTOR_DEG, THESIS_COURSES
from hipus.phantom.ultrasound.study import PURE
from hipus.stages import decorrelation_curves as stage
from hipus.stages.decorrelation_curves import (
    CurvePiece,
    correlate_with_first,
    metrics,
    motion_poses,
    rows_of,
)

SHAPE = (PURE.sample_count, PURE.line_count)


@dataclass(frozen=True)
class Sizes:
    """What the parameters of the stage are."""

    frames: int = 3
    patch_rows: int = 2
    patch_columns: int = 3


def texture(rng, count=1):
    """Return positive texture on the native grid, (count, samples, lines)."""
    noise = gaussian_filter(rng.standard_normal((count, *SHAPE)), (0, 2.5, 2.5))
    return np.exp(0.5 * noise / noise.std())


def shifted(x_mm=0.0, y_mm=0.0, z_mm=0.0):
    return geometry.transform(translation=[x_mm, y_mm, z_mm])


def centre_mm(poses):
    return geometry.apply(poses, np.array([0.0, PURE.depth_mm / 2, 0.0]))


class TestMotions:
    @pytest.mark.parametrize("motion", ["linear", "fast_and_slow"])
    def test_straight_motions_go_their_way_out_of_plane(self, rng, motion):
        centres = centre_mm(motion_poses(motion, rng, 41))
        np.testing.assert_allclose(centres[[0, -1], 2], [-1.25, 1.25], atol=1e-6)
        np.testing.assert_allclose(centres[:, 0], 0, atol=1e-9)
        assert (np.diff(centres[:, 2]) > -1e-9).all()

    def test_fast_and_slow_changes_its_pace(self, rng):
        linear, uneven = (
            np.diff(centre_mm(motion_poses(m, rng, 41))[5:-5, 2])
            for m in ("linear", "fast_and_slow")
        )
        assert uneven.max() / uneven.min() > 2 * linear.max() / linear.min()

    def test_a_sector_turns_about_the_skin_by_a_tenth_of_its_fan(self, rng):
        poses = motion_poses("sector", rng, 21)
        angle = geometry.geodesic_angle_deg(poses[0], poses[-1])
        assert angle == pytest.approx(SECTOR_DEG * stage.SECTOR_SHARE, rel=1e-3)
        skin = geometry.apply(poses, np.zeros(3))
        np.testing.assert_allclose(skin, 0, atol=1e-3)

    def test_a_loop_closes(self, rng):
        poses = motion_poses("loop", rng, 41)
        np.testing.assert_allclose(poses[0], poses[-1], atol=1e-6)
        assert np.ptp(centre_mm(poses)[:, 2]) > 1.0

    def test_the_four_motions_of_the_thesis_are_known(self):
        assert THESIS_COURSES == ("linear", "fast_and_slow", "sector", "loop")


class TestCorrelation:
    def test_motion_in_the_plane_does_not_decorrelate(self, rng):
        still = texture(rng)[0]
        lines, samples = 3, 5
        # The probe moves right and down: its content moves left and up.
        moved = np.roll(still, (-samples, -lines), (0, 1))
        pose = shifted(lines * PURE.line_pitch_mm, samples * PURE.sample_pitch_mm)
        poses = np.stack([np.eye(4), pose])
        piece = correlate_with_first(np.stack([still, moved]), poses, grid=(2, 2))
        # Three lines and five samples have left the picture.
        assert piece.correlation[1].min() > 0.85
        assert piece.correlation[1].max() > 0.99
        unaware = correlate_with_first(
            np.stack([still, moved]), np.stack([np.eye(4)] * 2), grid=(2, 2)
        )
        assert unaware.correlation[1].max() < 0.8
        np.testing.assert_allclose(piece.distance_mm, 0, atol=1e-12)
        np.testing.assert_allclose(piece.theory, 1)

    def test_distance_and_theory_of_a_step_out_of_plane(self, rng):
        poses = shifted(1.0, 2.0, 3.0) @ np.stack([np.eye(4), shifted(z_mm=-0.5)])
        piece = correlate_with_first(texture(rng, 2), poses, grid=(3, 2))
        np.testing.assert_allclose(piece.distance_mm[1], -0.5)
        np.testing.assert_allclose(
            piece.depth_mm, PURE.depth_mm * np.array([1, 3, 5]) / 6, atol=0.1
        )
        sigma_mm = PURE.elevational_fwhm_at(piece.depth_mm[1]) / 2.3548
        assert piece.theory[1, 1, 0] == pytest.approx(np.exp(-(0.5**2) / 2 / sigma_mm**2), abs=0.02)
        assert abs(piece.correlation[1]).max() < 0.3

    def test_a_tilt_about_the_skin_moves_deep_patches_more(self, rng):
        tilt = geometry.transform(rotations.from_rotation_vector(np.radians([2.0, 0, 0])))
        piece = correlate_with_first(texture(rng, 2), np.stack([np.eye(4), tilt]), grid=(4, 1))
        expected = np.sin(np.radians(2)) * piece.depth_mm
        np.testing.assert_allclose(piece.distance_mm[1, :, 0], expected, rtol=1e-6)
        assert (np.diff(piece.theory[1, :, 0]) < 0).all()

    def test_only_the_patch_that_changed_decorrelates(self, rng):
        first, other = texture(rng, 2)
        second = first.copy()
        half = SHAPE[0] // 2
        second[half:, : SHAPE[1] // 3] = other[half:, : SHAPE[1] // 3]
        piece = correlate_with_first(
            np.stack([first, second]), np.stack([np.eye(4)] * 2), grid=(2, 3)
        )
        is_same = piece.correlation[1] > 0.99
        np.testing.assert_array_equal(is_same, [[True, True, True], [False, True, True]])


class TestTables:
    def piece(self):
        distance = np.array([0.0, -0.5, 1.0])[:, None, None] * np.ones((3, 2, 1))
        correlation = np.array([1.0, 0.5, 0.1])[:, None, None] * np.ones((3, 2, 1))
        return CurvePiece(np.array([10.0, 30.0]), distance, correlation, correlation - 0.1)

    def test_theory_is_for_homogeneous_tissue_alone(self):
        rows = rows_of("homogeneous", "linear", self.piece())
        assert len(rows) == 6
        last = rows[(rows.frame == 1) & (rows.patch_row == 1)].iloc[0]
        assert (last.depth_mm, last.distance_mm, last.correlation) == (30.0, 0.5, 0.5)
        assert last.theory == pytest.approx(0.4)
        assert rows_of("hip", "linear", self.piece()).theory.isna().all()

    def test_metrics_tell_deviation_and_half_distance(self):
        table = pd.concat([rows_of(tissue, "linear", self.piece()) for tissue in stage.TISSUES])
        assert metrics(table) == pytest.approx(
            {
                "linear_rms_from_theory_correlation": 0.1,
                "homogeneous_half_distance_mm": 0.5,
                "hip_half_distance_mm": 0.5,
            }
        )

    def test_homogeneous_tissue_meets_the_theory(self):
        pieces, picture = stage._tissue("homogeneous", seed=3, frames=9, grid=(3, 2))
        assert [motion for _, motion, _ in pieces] == list(THESIS_COURSES)
        assert picture.shape[0] == stage.PICTURE_ROWS
        for _, _, piece in pieces:
            assert np.sqrt(np.mean((piece.correlation - piece.theory) ** 2)) < 0.05
        loop = pieces[-1][2]
        assert loop.correlation[-1].min() > 0.99
        assert loop.correlation[4].max() < 0.6

    def test_the_stage_writes_table_picture_and_metrics(self, study, monkeypatch):
        def made(tissue, *, seed, frames, grid):
            pieces = [(tissue, motion, self.piece()) for motion in THESIS_COURSES]
            return pieces, np.full((4, 5), 7, np.uint8)

        monkeypatch.setattr(stage, "_tissue", made)
        monkeypatch.setattr(
            stage, "map_cases", lambda function, cases: [function(c) for c in cases]
        )
        given = SimpleNamespace(
            profile=study.profile, common=study.common, decorrelation_curves=Sizes()
        )
        assert list(stage.main(given)) == []
        table = tables.read(
            paths.table_file(study.profile, "decorrelation_motion"), columns=stage.COLUMNS
        )
        assert len(table) == 2 * 4 * 6
        with np.load(paths.figure_input_file(study.profile, "decorrelation_motion")) as arrays:
            assert set(arrays) == {"homogeneous", "hip"}
        assert paths.metrics_file(study.profile, "decorrelation_curves").is_file()
