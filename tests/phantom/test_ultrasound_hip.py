"""Ultrasound of the digital hip itself: grey levels as measured on real stills."""

from dataclasses import replace

import numpy as np
import pytest
from ultrasound_scene import image_to_hip

from hipus.phantom import pictures
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.ultrasound import guides, scan
from hipus.phantom.ultrasound.examination import prepare, render_native
from hipus.phantom.ultrasound.settings import ProbeSettings, draw_settings
from hipus.phantom.ultrasound.speckle import build_field

SETTINGS = ProbeSettings(line_count=128, sample_pitch_mm=0.12)
SUBJECTS = 16


@pytest.fixture(scope="module")
def hips():
    """Packed scenes of two hips, each with the pose of its Graf plane on the skin."""
    made = []
    for seed in (1, 2):
        hip = Hip(HipParameters(deformation_seed=seed, soft_tissue_mm=11.0 + 2 * seed))
        pose = image_to_hip(0.0)
        pose[0, 3] = hip.shape.skin_height + 0.6
        made.append((guides.pack_scene(build_scene(hip, spacing_mm=0.5)), pose))
    return made


@pytest.fixture(scope="module")
def greys(hips):
    """Mean grey of muscle, shadow (2 to 12 mm behind bone) and head, (SUBJECTS, 3)."""
    field = build_field(np.random.default_rng(1), replace(SETTINGS, depth_mm=50.0))
    return np.array([measure(*hips[subject % 2], subject, field) for subject in range(SUBJECTS)])


def measure(packed, pose, subject, field):
    rng = np.random.default_rng(100 + subject)
    settings = draw_settings(rng, SETTINGS)
    exam = prepare(packed, [pose], settings, rng, field=field)
    db, passed = render_native(exam, pose)
    grey = scan.map_grey(db, settings)
    regions = pictures.find_regions(exam, pose, passed)
    return [grey[regions[name]].mean() for name in ("muscle", "shadow", "head")]


def test_muscle_is_as_grey_as_in_the_stills(greys):
    assert greys[:, 0].mean() == pytest.approx(82, abs=10)


def test_shadow_is_as_grey_as_in_the_stills(greys):
    assert greys[:, 1].mean() == pytest.approx(34, abs=10)


def test_the_head_is_as_grey_as_in_the_stills(greys):
    assert greys[:, 2].mean() == pytest.approx(39, abs=10)


def test_subjects_and_sessions_differ(greys):
    assert (greys.std(axis=0) > 4).all()


def test_in_every_subject_shadow_is_darker_than_muscle(greys):
    assert (greys[:, 1] < greys[:, 0]).all()
