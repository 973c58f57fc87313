"""The best single frame: which it is, who chooses it, and what it measures."""

from types import SimpleNamespace

import made_hip_cohort as made
import numpy as np
import pytest

from hipus.labels import HipLabel
from hipus.morphometry.section_quality import MET, NOT_ASSESSABLE, NOT_MET
from hipus.stages import hip_frames, mask_volumes, motion_data
from hipus.stages.placed_sweeps import open_all_ways


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the study of made hips."""
    yield from made.opened_hips(tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="module")
def row(study):
    """Return the row of a frontal sweep."""
    return made.row_of(study, "S101", "left_p_a")


@pytest.fixture(scope="module")
def sweep(study, row):
    """Return the sweep as it was tracked."""
    opened = open_all_ways(motion_data.cohort_of(study), row, study=study, poses=("tracked",))
    return opened["tracked"].sweep


@pytest.fixture(scope="module")
def frames(study, row, sweep) -> dict[str, dict]:
    """Return the best frame's row by masks."""
    rows = hip_frames.measure_frames(sweep, row, study=study, masks=("truth", "rater", "model"))
    return {one["masks"]: one for one in rows}


def found_of(diameter_mm: float | None, *states: str, is_refused: bool = False):
    """Return a section as the choice sees it."""
    return SimpleNamespace(
        alpha_deg=SimpleNamespace(is_refused=is_refused),
        head_diameter_mm=SimpleNamespace(value=diameter_mm),
        checks=[SimpleNamespace(state=state) for state in states],
    )


class TestChoice:
    def choose(self, monkeypatch, *sections):
        """Return the best of sections that are given, not measured."""
        given = iter(sections)
        monkeypatch.setattr(hip_frames, "measure_section", lambda *_, **__: next(given))
        return hip_frames.best_frame(np.zeros((len(sections), 2, 2), np.uint8), (0.8, 0.7))

    def test_of_equally_good_planes_the_one_that_cuts_the_head_widest(self, monkeypatch):
        sections = [found_of(width, MET, MET) for width in (12.0, 16.0, 14.0)]
        best = self.choose(monkeypatch, *sections)
        assert (best.index, best.score) == (1, 2.0)
        assert best.found is sections[1]

    def test_a_missed_point_outweighs_a_little_width(self, monkeypatch):
        sections = [found_of(16.0, MET, NOT_MET), found_of(12.0, MET, MET)]
        best = self.choose(monkeypatch, *sections)
        assert (best.index, best.score) == (1, pytest.approx(1 + 12 / 16))

    def test_what_cannot_be_judged_is_not_missed(self, monkeypatch):
        best = self.choose(
            monkeypatch, found_of(None, MET, NOT_ASSESSABLE), found_of(10.0, MET, NOT_MET)
        )
        # No diameter counts as none: 1 + 0 against 1/2 + 1.
        assert (best.index, best.score) == (1, 1.5)

    def test_frames_without_lines_are_passed_over_and_the_first_of_equals_is_kept(
        self, monkeypatch
    ):
        sections = [found_of(20.0, MET, is_refused=True), found_of(9.0, MET), found_of(9.0, MET)]
        assert self.choose(monkeypatch, *sections).index == 1

    def test_where_no_frame_shows_lines_there_is_none(self, monkeypatch):
        assert self.choose(monkeypatch, found_of(20.0, MET, is_refused=True)) is None

    def test_no_head_in_any_frame_leaves_the_checklist_to_choose(self, monkeypatch):
        best = self.choose(monkeypatch, found_of(None, NOT_MET, MET), found_of(None, MET, MET))
        assert (best.index, best.score) == (1, 1.0)


class TestMeasuredFrames:
    def test_a_plane_near_the_middle_of_the_head_measures_the_hip(self, frames, sweep):
        row = frames["truth"]
        assert list(row) == hip_frames.COLUMNS
        assert row["alpha_deg"] == pytest.approx(60.0, abs=4.0)
        assert row["femoral_head_coverage_percent"] == pytest.approx(55.0, abs=4.0)
        assert row["alpha_refusal"] == ""
        chosen = sweep.masks[int(row["frame_index"]) - sweep.first_frame]
        areas = (sweep.masks == HipLabel.FEMORAL_HEAD).sum(axis=(1, 2))
        assert (chosen == HipLabel.FEMORAL_HEAD).sum() > 0.9 * areas.max()

    def test_frames_are_counted_as_they_were_recorded(self, frames, study, row, sweep):
        best = hip_frames.best_frame(sweep.masks, sweep.pixel_spacing_xy_mm)
        assert sweep.first_frame == 1
        assert frames["truth"]["frame_index"] == best.index + 1
        assert frames["truth"]["plane_score"] == best.score

    def test_a_rater_draws_the_frame_that_the_model_chose(self, frames):
        assert frames["rater"]["frame_index"] == frames["model"]["frame_index"]
        assert frames["rater"]["plane_score"] == frames["model"]["plane_score"]
        assert frames["rater"]["alpha_deg"] != frames["model"]["alpha_deg"]

    def test_a_blind_model_leaves_the_rater_nothing_to_draw(self, study, row, sweep, monkeypatch):
        monkeypatch.setattr(mask_volumes, "segment_frames", lambda *_: np.zeros_like(sweep.masks))
        found = hip_frames.measure_frames(sweep, row, study=study, masks=("model", "rater"))
        for one in found:
            assert one["alpha_refusal"] == "in none of 30 frames can Graf's lines be drawn"
            assert np.isnan([one["frame_index"], one["alpha_deg"]]).all()

    def test_the_model_decides_and_truth_is_not_looked_at(self, study, row, sweep, monkeypatch):
        moved = np.roll(sweep.masks, 3, axis=0)
        monkeypatch.setattr(mask_volumes, "segment_frames", lambda *_: moved)
        (one,) = hip_frames.measure_frames(sweep, row, study=study, masks=("model",))
        best = hip_frames.best_frame(moved, sweep.pixel_spacing_xy_mm)
        assert one["frame_index"] == best.index + sweep.first_frame
