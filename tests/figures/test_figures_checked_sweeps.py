"""The picture of a checked sweep: what it says, and that it says it is simulated."""

import numpy as np
import pytest

from hipus.figures.checked_sweeps import draw_checked_sweep

ROW = {
    "subject_id": "S001",
    "sweep_id": "left_p_a",
    "problems": "",
    "pixel_x_mm": 0.5,
    "pixel_y_mm": 0.4,
    "trim_start": 2,
    "trim_stop": 9,
    "is_tracked": 1,
}


@pytest.fixture
def view(rng) -> dict:
    """Return what a check hands over."""
    return {
        "frame": rng.integers(0, 255, (20, 30), dtype=np.uint8),
        "is_ink": np.zeros((20, 30), bool),
        "time_s": 0.1 * np.arange(10),
        "pace": np.arange(9.0),
        "is_valid": np.arange(10) != 4,
    }


def test_it_is_to_scale_and_shows_what_is_proposed_and_lost(view):
    figure = draw_checked_sweep(ROW, view, origin="recorded")
    picture, pace = figure.axes
    assert picture.images[0].get_extent() == [0, 15.0, 8.0, 0]
    assert picture.get_xlabel() == "lateral, mm"
    texts = [text.get_text() for text in pace.get_legend().get_texts()]
    assert texts == ["proposed to keep", "no pose, 1 of 10 frames"]
    (span,) = pace.patches
    assert span.get_x() == pytest.approx(0.2)
    assert span.get_width() == pytest.approx(0.6)
    assert figure.get_suptitle() == "S001/left_p_a: nothing wrong"


def test_simulated_sweeps_and_problems_are_called_so(view):
    row = ROW | {"problems": "burnt_in_text", "pixel_x_mm": np.nan, "is_tracked": 0}
    view["is_ink"][3, 5] = True
    figure = draw_checked_sweep(row, view, origin="simulated")
    assert figure.get_suptitle() == "S001/left_p_a, simulated: burnt_in_text"
    picture, pace = figure.axes
    assert picture.get_ylabel() == "axial, px"
    np.testing.assert_array_equal(picture.lines[0].get_xydata(), [[5.5, 3.5]])
    assert pace.get_ylabel() == "change of pictures, 1/s"
