"""What a person sees: a true still picture always, a live viewer only where one can be."""

import numpy as np
import pandas as pd
import pytest
from IPython.display import HTML, Image, Markdown

from hipus import images, live_volumes, paths, tables, viewers
from hipus.figures import style


@pytest.fixture
def shown(monkeypatch):
    """Return the list of everything that is displayed."""
    found = []
    monkeypatch.setattr(viewers, "display", found.append)
    return found


@pytest.fixture
def volume(rng) -> images.Volume:
    """Return a small volume with different sides and spacings."""
    return images.Volume(rng.integers(0, 255, (4, 5, 7), dtype=np.uint8), (0.3, 0.7, 1.1))


@pytest.fixture
def live(monkeypatch):
    """Let viewers run, with both libraries' widgets replaced by records of what they show."""
    monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)
    for name in ("niivue_widget", "itkwidgets_view"):
        monkeypatch.setattr(live_volumes, name, lambda *shown, name=name: (name, *shown))


class TestStatic:
    @pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("", False)])
    def test_variable_switches_live_viewers_off(self, monkeypatch, value, expected):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", value)
        assert viewers.is_static() is expected

    def test_without_the_variable_viewers_are_live(self, monkeypatch):
        monkeypatch.delenv("HIPUS_STATIC_VIEWS", raising=False)
        assert not viewers.is_static()


class TestVolume:
    @pytest.mark.parametrize("viewer", viewers.VIEWERS)
    def test_pipeline_shows_the_still_picture_and_nothing_live(
        self, monkeypatch, shown, volume, viewer, live
    ):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        viewers.show_volume(volume, caption="Phantom", viewer=viewer)
        assert [type(item) for item in shown] == [Image, Markdown]
        assert shown[0].data.startswith(b"\x89PNG")
        assert shown[1].data == "*Phantom*"

    def test_person_gets_picture_then_niivue(self, shown, volume, live):
        viewers.show_volume(volume)
        assert isinstance(shown[0], Image)
        assert shown[1:] == [("niivue_widget", volume, None)]

    def test_itkwidgets_comes_by_name_only(self, shown, volume, live):
        viewers.show_volume(volume, viewer="itkwidgets")
        assert shown[1:] == [("itkwidgets_view", volume, None)]

    def test_none_is_the_picture_alone(self, shown, volume, live):
        viewers.show_volume(volume, viewer="none")
        assert [type(item) for item in shown] == [Image]

    def test_unknown_viewer_is_refused_before_anything_is_shown(self, shown, volume):
        with pytest.raises(ValueError, match=r"viewer must be one of \('niivue'.*got 'k3d'"):
            viewers.show_volume(volume, viewer="k3d")
        assert shown == []

    @pytest.mark.parametrize("viewer", ["niivue", "itkwidgets"])
    def test_viewer_that_cannot_load_never_stops_a_notebook(
        self, monkeypatch, shown, volume, live, viewer, caplog
    ):
        def broken(*_):
            raise RuntimeError("no WebGL here")

        for name in ("niivue_widget", "itkwidgets_view"):
            monkeypatch.setattr(live_volumes, name, broken)
        viewers.show_volume(volume, viewer=viewer)
        assert [type(item) for item in shown] == [Image]
        assert f"no live {viewer} viewer here: no WebGL here" in caplog.text


class TestLabelledVolume:
    @pytest.fixture
    def labels(self, volume) -> images.Volume:
        """Return labels of two structures on the volume's grid."""
        array = np.zeros(volume.array.shape, np.uint8)
        array[1:3, 1:4, 2:5], array[3, 4, 6] = 2, 4
        return images.Volume(array, volume.spacing_zyx_mm)

    def test_pipeline_shows_the_still_picture_alone(self, monkeypatch, shown, volume, labels, live):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        viewers.show_volume(volume, labels, caption="Hip")
        assert [type(item) for item in shown] == [Image, Markdown]

    @pytest.mark.parametrize("viewer", ["niivue", "itkwidgets"])
    def test_person_gets_volume_and_labels(self, shown, volume, labels, live, viewer):
        viewers.show_volume(volume, labels, viewer=viewer)
        (made,) = shown[1:]
        assert made[1:] == (volume, labels)

    def test_the_longer_name_shows_the_same(self, monkeypatch, shown, volume, labels):
        monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
        viewers.show_volume(volume, labels)
        viewers.show_labelled_volume(volume, labels)
        assert shown[0].data == shown[1].data

    def test_labels_on_another_grid_are_refused(self, shown, volume, labels):
        other = images.Volume(labels.array[1:], labels.spacing_zyx_mm)
        with pytest.raises(ValueError, match=r"labels must be \(4, 5, 7\) like the volume, got"):
            viewers.show_volume(volume, other)
        assert shown == []


class TestStageSkip:
    @pytest.mark.parametrize(("numbers", "is_skipped"), [({}, True), ({"frames": 3}, False)])
    def test_stage_without_numbers_is_said_to_be_skipped(
        self, monkeypatch, tmp_path, shown, numbers, is_skipped
    ):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        tables.write_metrics(numbers, paths.metrics_file("made", "frame_labels"))
        assert viewers.show_stage_skip("made", "frame_labels") is is_skipped
        told = [item.data for item in shown]
        assert len(told) == is_skipped
        assert all("SKIPPED: stage `frame_labels`" in text for text in told)

    def test_a_skip_says_what_the_cohort_lacks(self, shown, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        tables.write_metrics({}, paths.metrics_file("made", "train_21"))
        row = {"stage": "train_21", "status": "not available: no labels"}
        rows = pd.DataFrame([row | {"what_it_would_take": "frames that somebody drew"}])
        tables.write(rows, paths.table_file("made", "availability"), key=["stage"])
        assert viewers.show_stage_skip("made", "train_21")
        assert "no labels. It would take frames that somebody drew.**" in shown[0].data


class TestTable:
    def test_index_is_hidden_and_text_is_escaped(self, shown):
        viewers.show_table(pd.DataFrame({"a": ["<b>"], "x<y": [0.123456]}, index=[77]), "1 < 2")
        (html,) = shown
        assert isinstance(html, HTML)
        assert "&lt;b&gt;" in html.data
        assert "x&lt;y" in html.data
        assert "1 &lt; 2" in html.data
        assert "0.1235" in html.data
        assert "77" not in html.data.partition("</style>")[2]

    def test_long_tables_say_how_many_rows_there_are(self, shown):
        viewers.show_table(pd.DataFrame({"a": range(50)}), "Rows", rows=30)
        assert "Rows (first 30 of 50 rows)" in shown[0].data
        assert ">29<" in shown[0].data
        assert ">30<" not in shown[0].data

    def test_what_is_not_known_is_a_dash(self, shown):
        viewers.show_table(pd.DataFrame({"a": [np.nan, 1.0]}))
        assert "–" in shown[0].data

    def test_an_empty_table_is_shown_as_such(self, shown):
        viewers.show_table(pd.DataFrame(columns=["a", "b"]), "Nothing")
        assert "Nothing" in shown[0].data


class TestFigure:
    def test_picture_has_a_caption_and_a_text_for_screen_readers(self, shown):
        figure, axes = style.new_figure()
        axes.plot([0, 1])
        viewers.show_figure(figure, "A line, n = 2")
        picture, caption = shown
        assert picture.alt == "A line, n = 2"
        assert caption.data == "*A line, n = 2*"

    def test_pictures_are_the_same_bytes_every_time(self, shown):
        for _ in range(2):
            figure, axes = style.new_figure()
            axes.plot([0, 1])
            viewers.show_figure(figure)
        assert shown[0].data == shown[1].data


class TestSkips:
    @pytest.fixture
    def study_folder(self, monkeypatch, tmp_path):
        """Return a study folder with one stage that missed a file and one that did not."""
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        for stage, names in (("calibration", ["plus/a.mha"]), ("reconstruction", [])):
            table = pd.DataFrame({"file": names, "how_to_get_it": "hipus fetch"})
            path = tmp_path / "results" / "smoke" / "tables" / f"{stage}_missing.csv"
            tables.write(table, path, key=["file"])
        return tmp_path

    def test_missing_files_are_named_loudly(self, study_folder, shown):
        assert viewers.show_skips("smoke", "calibration") is True
        assert "SKIPPED" in shown[0].data
        assert "`plus/a.mha`" in shown[0].data

    def test_nothing_is_said_where_nothing_is_missing(self, study_folder, shown):
        assert viewers.show_skips("smoke", "reconstruction") is False
        assert shown == []

    def test_a_stage_that_has_not_run_names_the_command(self, study_folder, shown):
        with pytest.raises(FileNotFoundError, match="motion_missing.csv is missing: run `dvc re"):
            viewers.show_skips("smoke", "motion")

    def test_a_table_that_a_further_command_makes_is_read_where_it_is(self, study_folder, shown):
        made = pd.DataFrame({"arm": ["a", "b"], "mean": [1.5, 2.0]})
        tables.write(made, paths.table_file("smoke", "motion_claims"), key=["arm"])
        found = viewers.read_if_made("smoke", "motion_claims", command="make arms")
        assert found.equals(made)
        assert shown == []

    def test_a_table_that_no_command_made_yet_is_said_to_be_absent(self, study_folder, shown):
        found = viewers.read_if_made("smoke", "motion_claims", command="make arms")
        assert found.empty
        assert "NOT RUN: `make arms` makes `motion_claims.csv`" in shown[0].data

    def test_figure_inputs_come_back_as_arrays(self, study_folder, rng):
        path = study_folder / "results" / "smoke" / "figure_inputs" / "calibration.npz"
        path.parent.mkdir(parents=True)
        frame = rng.integers(0, 255, (3, 4))
        np.savez_compressed(path, frame=frame)
        found = viewers.load_figure_input("smoke", "calibration")
        assert list(found) == ["frame"]
        np.testing.assert_array_equal(found["frame"], frame)

    def test_a_figure_input_that_is_not_there_names_the_command(self, study_folder):
        with pytest.raises(FileNotFoundError, match=r"motion.npz is missing: run `dvc repro"):
            viewers.load_figure_input("smoke", "motion")
