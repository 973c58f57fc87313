"""What the beam passes: interpolation, slopes, and the right axes."""

from dataclasses import replace

import numpy as np
import pytest
from ultrasound_scene import HEAD_DEPTH_MM, image_to_hip, make_scene
from ultrasound_scene import grid as scene_grid

from hipus.phantom.ultrasound import guides
from hipus.phantom.ultrasound.appearance import draw_appearance
from hipus.phantom.ultrasound.settings import ProbeSettings

SETTINGS = ProbeSettings(line_count=100, sample_pitch_mm=0.1, depth_mm=40.0)
GRID = guides.lattice(SETTINGS)
#: Depths and lateral positions of the lattice.
Y = np.arange(GRID.row_count) * GRID.row_step * SETTINGS.sample_pitch_mm
X = SETTINGS.line_x_mm()[0] + np.arange(GRID.line_count) * GRID.line_step * SETTINGS.line_pitch_mm


def sample(pose, **fields):
    packed = guides.pack_scene(make_scene(**fields))
    appearance = draw_appearance(np.random.default_rng(0))
    return guides.sample_guides(packed, appearance, SETTINGS, T_image_to_hip=pose)


def test_the_lattice_covers_the_native_grid():
    assert (GRID.row_count - 1) * GRID.row_step >= SETTINGS.sample_count
    assert (GRID.line_count - 1) * GRID.line_step >= SETTINGS.line_count
    assert GRID.row_step * SETTINGS.sample_pitch_mm <= guides.LATTICE_MM


def test_a_coarse_native_grid_is_its_own_lattice():
    coarse = replace(SETTINGS, line_count=64, sample_pitch_mm=0.5)
    assert (guides.lattice(coarse).row_step, guides.lattice(coarse).line_step) == (1, 1)


def test_a_linear_field_is_read_at_the_right_place():
    """Distinct slopes along the three axes of the hip: swapped axes would show."""
    points, _ = scene_grid()
    linear = points @ np.array([0.10, 0.02, 0.03])
    rows = sample(image_to_hip(4.0), head_distance=linear)
    x_hip = HEAD_DEPTH_MM - Y[:, None]
    z_hip = -X[None]
    expected = 0.10 * x_hip + 0.02 * 4.0 + 0.03 * z_hip
    is_inside = (np.abs(x_hip) < 22) & (np.abs(z_hip) < 22)
    np.testing.assert_allclose(rows[:, guides.HEAD][is_inside], expected[is_inside], atol=1e-4)


def test_slopes_are_per_millimetre_along_the_beam():
    points, _ = scene_grid()
    rows = sample(
        image_to_hip(0.0), ilium_distance=0.15 * points[..., 0], layer_depth=points[..., 2]
    )
    inner = np.s_[8:-40, 20:-20]
    np.testing.assert_allclose(rows[:, guides.BONE_SLOPE][inner], -0.15, atol=1e-3)
    np.testing.assert_allclose(rows[:, guides.LAYER_SLOPE][inner], 0, atol=1e-3)
    np.testing.assert_allclose(rows[:, guides.LAYER_ACROSS][inner], -1, atol=1e-3)


def test_beyond_the_scene_its_edge_goes_on():
    far = image_to_hip(500.0)
    points, _ = scene_grid()
    rows = sample(far, head_distance=0.1 * points[..., 1])
    np.testing.assert_allclose(rows[:, guides.HEAD], 0.1 * points[..., 1].max(), atol=2e-3)


def test_variation_belongs_to_the_anatomy():
    """A probe turned about its beam sees the same variation at the same place."""
    turn = np.eye(4)
    turn[:3, :3] = [[-1, 0, 0], [0, 1, 0], [0, 0, -1]]
    pose = image_to_hip(0.0)
    here, there = sample(pose), sample(pose @ turn)
    step = GRID.line_step * SETTINGS.line_pitch_mm
    mirrored = np.interp(-X, X, here[30, guides.SLOW])
    inside = np.abs(X) < 15
    assert step < 0.4
    np.testing.assert_allclose(there[30, guides.SLOW][inside], mirrored[inside], atol=0.05)


def test_each_variation_has_its_own_pattern():
    rows = sample(image_to_hip(0.0))[:, guides.SLOW : guides.TILT]
    flat = rows.transpose(1, 0, 2).reshape(8, -1)
    correlation = np.abs(np.corrcoef(flat)) - np.eye(8)
    assert correlation.max() < 0.5
    assert flat.std(axis=1).min() == pytest.approx(0.8, abs=0.5)
