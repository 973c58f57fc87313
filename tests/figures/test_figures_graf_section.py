"""The drawn construction lies where it was measured, and says what was refused."""

import numpy as np
import pytest
from made_sections import MadeSection

from hipus.figures import style
from hipus.figures.graf_section import COLOURS, DISCLAIMER, LINES, draw_graf_section
from hipus.formats.mask_files import SCHEMES
from hipus.labels import HipLabel
from hipus.morphometry.graf_section import measure_section
from hipus.morphometry.graf_types import GrafType

MADE = MadeSection(spacing_yx_mm=(0.2, 0.3))


def drawn(labels=None, **options):
    """Return the figure of a made section and its measures."""
    labels = MADE.labels() if labels is None else labels
    spacing = MADE.spacing_yx_mm
    section = measure_section(labels, scheme="hip", spacing_yx_mm=spacing)
    options = {"scheme": "hip", "spacing_yx_mm": spacing} | options
    return draw_graf_section(section, labels, **options), section


def line(figure, name):
    """Return the points of a drawn line."""
    (found,) = [one for one in figure.axes[0].lines if one.get_label() == name]
    return np.column_stack(found.get_data())


def words(figure):
    """Return what stands beside the picture."""
    return figure.axes[1].texts[0].get_text()


class TestConstruction:
    def test_all_four_lines_are_drawn_in_colours_of_their_own(self):
        figure, _ = drawn()
        names = [one.get_label() for one in figure.axes[0].lines]
        assert set(LINES) <= set(names)
        assert len(set(LINES.values())) == 4
        assert [text.get_text() for text in figure.axes[1].get_legend().texts] == list(LINES)

    def test_lines_run_through_the_measured_points(self):
        figure, section = drawn()
        at = {name: np.array(point) for name, point in section.landmarks_px.items()}
        for name, through in (
            ("bony roof line", ("roof_touch", "lower_limb")),
            ("cartilage roof line", ("bony_rim", "labrum")),
            ("baseline", ("wing_cranial", "wing_caudal", "head_baseline")),
        ):
            start, end = line(figure, name)
            along = (end - start) / np.linalg.norm(end - start)
            for point in through:
                off = at[point] - start
                assert abs(off[0] * along[1] - off[1] * along[0]) < 0.1, (name, point)

    def test_d_is_the_part_of_the_diameter_below_the_baseline(self):
        figure, section = drawn()
        d = line(figure, "coverage d / D")
        whole = [np.array(section.landmarks_px[f"head_{end}"]) for end in ("lateral", "medial")]
        to_mm = np.array(MADE.spacing_yx_mm)[::-1]
        share = np.linalg.norm((d[1] - d[0]) * to_mm) / np.linalg.norm(
            np.diff(whole, axis=0) * to_mm
        )
        assert 100 * share == pytest.approx(section.coverage_percent.value, abs=0.1)

    def test_pixels_keep_their_shape(self):
        figure, _ = drawn()
        assert figure.axes[0].get_aspect() == pytest.approx(0.2 / 0.3)
        assert drawn(spacing_yx_mm=None)[0].axes[0].get_aspect() == pytest.approx(1.0)

    def test_what_was_refused_is_not_drawn_and_stands_in_words(self):
        labels = MADE.labels()
        labels[labels == HipLabel.LABRUM] = 0
        figure, _ = drawn(labels)
        assert "cartilage roof line" not in [one.get_label() for one in figure.axes[0].lines]
        assert "beta: refused: no labrum label" in words(figure)
        empty, _ = drawn(np.zeros((40, 60), np.uint8))
        assert len(empty.axes[0].lines) == 0
        assert "alpha: refused: no ilium label" in words(empty)


class TestWords:
    def test_numbers_checklist_type_and_disclaimer(self):
        figure, section = drawn(graf_type=GrafType("IIa", ("a note",)), title="made")
        for word in (f"alpha: {section.alpha_deg}", "Graf type: IIa", "a note", DISCLAIMER):
            assert word in words(figure)
        assert "lower limb: met" in words(figure)
        assert figure.axes[0].get_title(loc="left") + figure.axes[0].get_title() == "made"

    def test_saves(self, tmp_path):
        figure, _ = drawn(picture=np.full(MADE.labels().shape, 90, np.uint8))
        for path in style.save(figure, tmp_path / "graf"):
            assert path.stat().st_size > 5000

    def test_every_structure_of_every_scheme_has_a_colour(self):
        for name, scheme in SCHEMES.items():
            assert set(COLOURS[name]) == {int(label) for label in scheme} - {0}


class TestInput:
    def test_picture_and_labels_have_one_shape(self):
        with pytest.raises(ValueError, match=r"picture must be \(230, 200\) like labels, got"):
            drawn(picture=np.zeros((3, 4)))

    def test_schemes_are_known(self):
        with pytest.raises(ValueError, match="scheme must be one of"):
            drawn(scheme="x")
