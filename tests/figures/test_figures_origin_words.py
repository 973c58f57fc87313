"""A recorded cohort is called recorded in every text of a figure; a simulated one stays so."""

import json

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from hipus import paths
from hipus.figures import origin_words
from hipus.figures.origin_words import ALWAYS_SIMULATED, cohort_origin, reword, worded
from hipus.stages.figures import FIGURES


def made() -> Figure:
    """Return a figure that says the word wherever a figure can say something."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], label="ours, simulated")
    left.set_title("n = 2, simulated")
    left.set_ylabel("sweeps (simulated)")
    left.legend(title="simulated")
    right.barh(["a (simulated)", "b"], [1, 2])
    right.set_xticks([0, 1], ["Simulated", "printed"])
    right.annotate("not simulation, simulated_sd or unsimulated", (0, 0))
    figure.suptitle("two simulated raters of simulated sweeps")
    figure.legend(handles=left.lines)
    return figure


def texts(figure) -> list[str]:
    """Return all that is read in a figure as it is drawn."""
    figure.draw_without_rendering()
    return [one.get_text() for one in figure.findobj(Text)]


class TestFigures:
    def test_every_text_of_a_recorded_cohort_says_recorded(self):
        said = "\n".join(texts(reword(made(), "01_hips", origin="recorded")))
        for told in ("n = 2, recorded", "sweeps (recorded)", "ours, recorded", "a (recorded)",
                     "Recorded", "two simulated raters of recorded sweeps"):  # fmt: skip
            assert told in said
        assert said.count("ours, recorded") == 2
        rest = said.replace("not simulation, simulated_sd or unsimulated", "")
        assert rest.lower().count("simulated") == 1

    def test_ticks_without_the_word_keep_their_formatter(self):
        before = made()
        axis = before.axes[0].xaxis
        formatter = axis.get_major_formatter()
        reword(before, "01_hips", origin="recorded")
        assert axis.get_major_formatter() is formatter

    def test_saying_it_twice_says_the_same(self):
        once = reword(made(), "01_hips", origin="recorded")
        said = texts(once)
        assert texts(reword(once, "01_hips", origin="recorded")) == said

    @pytest.mark.parametrize("origin", ["simulated", ""])
    def test_any_other_cohort_leaves_all_as_it_is(self, origin):
        assert texts(reword(made(), "01_hips", origin=origin)) == texts(made())

    @pytest.mark.parametrize("name", ALWAYS_SIMULATED)
    def test_what_is_simulated_for_every_cohort_says_so(self, name):
        assert name in FIGURES
        assert texts(reword(made(), name, origin="recorded")) == texts(made())


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("On 16 simulated sweeps", "On 16 recorded sweeps"),
            ("Simulated and real pictures differ", "Simulated and real pictures differ"),
            ("tells simulated from real", "tells simulated from real"),
            ("Two simulated raters who drew", "Two simulated raters who drew"),
            ("29 simulated minutes", "29 simulated minutes"),
            ("Simulated sessions: errors", "Simulated sessions: errors"),
            ("Simulated volumes", "Recorded volumes"),
            ("input of the simulation", "input of the simulation"),
        ],
    )
    def test_only_the_cohort_changes_its_word(self, text, told):
        assert worded(text, "recorded") == told
        assert worded(text, "simulated") == worded(text, "") == text


class TestOrigin:
    @pytest.mark.parametrize(
        ("told", "origin"),
        [("simulated", "simulated"), ("recorded", "recorded"), ("clinical", "recorded")],
    )
    def test_it_is_what_stage_cohort_says(self, tmp_path, monkeypatch, told, origin):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        path = paths.metrics_file("small", "cohort")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"origin": told}))
        assert cohort_origin("small") == origin

    def test_nothing_is_known_where_the_stage_has_not_run(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        assert cohort_origin("small") == ""

    def test_metrics_without_an_origin_leave_it_open(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        path = paths.metrics_file("small", "cohort")
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        assert origin_words.cohort_origin("small") == ""
