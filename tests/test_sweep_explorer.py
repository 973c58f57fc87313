"""Looking through a sweep: a still picture always, and what the browser is sent."""

import numpy as np
import pytest
from IPython.display import Image

from hipus import sweep_explorer, viewers
from hipus.motion.poses import centre_poses
from hipus.shown_sweep import ShownSweep, courses_of
from hipus.sweep_explorer import explore_sweep, explorer_state


@pytest.fixture
def shown(monkeypatch):
    """Return the list of everything that is displayed."""
    found = []
    for module in (viewers, sweep_explorer):
        monkeypatch.setattr(module, "display", found.append)
    return found


@pytest.fixture
def masks() -> np.ndarray:
    """Return labels of two structures on the tiny sweep's frames."""
    array = np.zeros((7, 5, 9), np.uint8)
    array[2, 1:3, 4:7], array[5, 4, 8] = 2, 1
    return array


def floats(data: bytes) -> np.ndarray:
    """Return numbers as the browser reads them."""
    return np.frombuffer(data, "<f4")


class TestStill:
    def test_pipeline_gets_the_picture_alone(self, monkeypatch, shown, tiny_sweep, masks):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        explore_sweep(tiny_sweep, centre_poses(tiny_sweep), masks=masks, caption="Tiny")
        assert shown[0].data.startswith(b"\x89PNG")
        assert shown[0].alt == "Tiny"
        assert [type(item) for item in shown[:1]] == [Image]
        assert len(shown) == 2

    def test_person_gets_the_picture_and_then_the_explorer(self, monkeypatch, shown, tiny_sweep):
        monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)
        anywidget = pytest.importorskip("anywidget")
        explore_sweep(tiny_sweep)
        assert isinstance(shown[0], Image)
        assert isinstance(shown[-1], anywidget.AnyWidget)
        assert shown[-1].about["courses"] == ["tracked"]
        assert "render" in shown[-1]._esm

    def test_a_view_that_cannot_load_never_stops_a_notebook(
        self, monkeypatch, shown, tiny_sweep, caplog
    ):
        monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)

        def broken(state):
            raise RuntimeError("no widgets here")

        monkeypatch.setattr(sweep_explorer, "_widget", broken)
        explore_sweep(tiny_sweep)
        assert [type(item) for item in shown] == [Image]
        assert "no live view of the sweep here (no widgets here)" in caplog.text

    def test_masks_of_other_frames_are_refused(self, shown, tiny_sweep):
        with pytest.raises(ValueError, match=r"masks must be \(7, 5, 9\) like the frames, got"):
            explore_sweep(tiny_sweep, masks=np.zeros((7, 5, 8), np.uint8))
        assert shown == []


class TestShownSweep:
    def test_the_studys_sweep_is_shown_with_all_that_is_known(
        self, monkeypatch, shown, tiny_sweep, masks
    ):
        monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)
        T = centre_poses(tiny_sweep)
        found = ShownSweep(tiny_sweep, T, masks, "S101_left_p_a (simulated, 7 frames)")
        monkeypatch.setattr(sweep_explorer, "load_shown_sweep", lambda *asked: found)
        sweep_explorer.explore_shown_sweep("made", "S101_left_p_a")
        assert shown[0].alt == found.caption
        assert shown[-1].about["courses"] == ["tracked", "predicted"]
        assert [one["name"] for one in shown[-1].about["labels"]] == ["ilium", "femoral head"]

    def test_a_fresh_clone_is_told_what_makes_it_and_goes_on(self, monkeypatch, shown, tmp_path):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        sweep_explorer.explore_shown_sweep("made", "S101_left_p_a")
        (told,) = shown
        assert "NOT HERE: S101_left_p_a" in told.data
        assert "`dvc repro cohort@made motion@made` makes them" in told.data


class TestState:
    def state(self, sweep, T_predicted=None, **options) -> dict:
        frames = np.asarray(sweep.frames)
        return explorer_state(sweep, frames, courses_of(sweep, T_predicted), **options)

    def test_frames_and_masks_come_back_from_the_bytes(self, tiny_sweep, masks):
        state = self.state(tiny_sweep, masks=masks)
        about = state["about"]
        shape = (about["count"], about["height"], about["width"])
        for name, array in (("frames", tiny_sweep.frames), ("masks", masks)):
            sent = np.frombuffer(state[name], np.uint8).reshape(shape)
            np.testing.assert_array_equal(sent, array)

    def test_poses_are_twelve_numbers_a_frame_and_drift_is_of_the_courses(self, tiny_sweep):
        T = centre_poses(tiny_sweep)
        T[-1, :3, 3] += [2.0, 0.0, 0.0]
        state, courses = self.state(tiny_sweep, T), courses_of(tiny_sweep, T)
        sent = floats(state["predicted"]).reshape(7, 3, 4)
        np.testing.assert_allclose(sent, courses.T_predicted[:, :3], atol=1e-5)
        np.testing.assert_allclose(floats(state["drift_mm"]), courses.drift_mm, atol=1e-5)
        assert floats(state["drift_mm"])[-1] == pytest.approx(2.0, abs=1e-5)
        assert state["about"]["has_drift"]
        assert state["about"]["courses"] == ["tracked", "predicted"]

    def test_only_labels_that_are_seen_are_named_in_the_studys_colours(self, tiny_sweep, masks):
        labels = self.state(tiny_sweep, masks=masks)["about"]["labels"]
        assert {one["name"]: one["value"] for one in labels} == {"ilium": 1, "femoral head": 2}
        head = next(one for one in labels if one["value"] == 2)
        assert head["rgb"] == [0x56, 0xB4, 0xE9]

    def test_large_pictures_are_thinned_and_keep_their_size_in_mm(self, monkeypatch, tiny_sweep):
        monkeypatch.setattr(sweep_explorer, "MOST_BYTES", 7 * 5 * 9 - 1)
        about = self.state(tiny_sweep)["about"]
        assert (about["height"], about["width"]) == (3, 5)
        whole = tiny_sweep.pixel_spacing_xy_mm
        np.testing.assert_allclose(about["side_mm"], 2 * np.array(whole))

    def test_without_any_pose_only_pictures_are_sent(self, rng):
        from hipus.sweep import Sweep

        frames = rng.integers(0, 256, (3, 4, 6), dtype=np.uint8)
        bare = Sweep(frames, np.arange(3.0), np.full((3, 4, 4), np.nan))
        about = self.state(bare)["about"]
        assert about["courses"] == []
        assert not about["has_drift"]
        assert (about["unit"], about["start"]) == ("px", 0)
