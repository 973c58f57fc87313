"""The still picture of a sweep: frames, courses and drift, each where it is known."""

import numpy as np
import pytest

from hipus.figures.shown_sweep import draw_sweep
from hipus.motion.poses import centre_poses
from hipus.shown_sweep import Courses, courses_of


def parts(figure) -> list:
    """Return the titles and labels of all axes."""
    return [
        text
        for box in figure.findobj(lambda one: hasattr(one, "get_xlabel"))
        for text in (box.get_title(loc="left"), box.get_xlabel(), box.get_ylabel())
    ]


@pytest.fixture
def drifting(tiny_sweep):
    """Return courses whose prediction drifts."""
    T = centre_poses(tiny_sweep)
    T[:, :3, 3] += np.linspace(0, 3, 7)[:, None] * [1.0, 0.0, 0.0]
    return courses_of(tiny_sweep, T)


def test_frames_courses_and_drift_are_drawn_with_units(tiny_sweep, drifting):
    masks = np.zeros((7, 5, 9), np.uint8)
    masks[:, 2:4, 3:6] = 2
    figure = draw_sweep(
        tiny_sweep.frames, drifting, masks=masks, time_s=tiny_sweep.time_s,
        spacing_xy_mm=tiny_sweep.pixel_spacing_xy_mm, count=4,
    )  # fmt: skip
    seen = parts(figure)
    assert "frame 0, 0.0 s" in seen
    assert "6, 0.7 s" in seen
    assert {"drift, mm", "drift, deg", "elevational, mm"} <= set(seen)
    legends = [text.get_text() for one in figure.legends for text in one.texts]
    legends += [t.get_text() for part in figure.findobj(lambda o: hasattr(o, "legends"))
                for one in part.legends for t in one.texts]  # fmt: skip
    assert {"tracked", "predicted", "femoral head"} <= set(legends)


def test_a_short_sweep_shows_each_frame_once(tiny_sweep, drifting):
    figure = draw_sweep(tiny_sweep.frames, drifting, count=20)
    assert sum(bool(box.images) for box in figure.findobj(lambda o: hasattr(o, "images"))) >= 7
    assert "px" in parts(figure)


def test_without_poses_only_frames_are_drawn(tiny_sweep):
    lost = np.full((7, 4, 4), np.nan)
    courses = Courses(lost, lost, lost[:, 0, 0], lost[:, 0, 0])
    figure = draw_sweep(tiny_sweep.frames, courses)
    assert len(figure.subfigs) == 1
    assert not [text for text in parts(figure) if "drift" in text]


def test_the_tracked_course_alone_has_no_drift(tiny_sweep):
    figure = draw_sweep(tiny_sweep.frames, courses_of(tiny_sweep))
    seen = parts(figure)
    assert "elevational, mm" in seen
    assert not [text for text in seen if "drift" in text]
