"""A recorded cohort is called recorded on every page; what is simulated for all stays so."""

import re

import made_results
import pytest
from seen_page import Page, built

from hipus import paths, tables
from hipus.report import headlines, site, topics
from hipus.report.cohort_words import told_piece, told_section
from hipus.report.page import Goal, Picture, Section


def tell(origin: str) -> None:
    """Let stage `cohort` say where the cohort comes from."""
    metrics = made_results.COHORT | {"origin": origin}
    tables.write_metrics(metrics, paths.metrics_file("smoke", "cohort"))


def section(**changed) -> Section:
    """Return a section that says the word in every text."""
    return Section(
        anchor="simulated", question="simulated?", answer="On 3 simulated sweeps.",
        kind="simulated; transfer: real", source="stage simulated", points=("Simulated volumes",),
        shown=(("shown (simulated)", "<td>simulated</td>"),),
        tables=(("table (simulated)", "<td>simulated</td>"),),
        **changed,
    )  # fmt: skip


def drawn(name: str) -> Picture:
    """Return a figure of the report."""
    return Picture(paths.root() / f"{name}.png", "Drift (simulated).", name, 10, 10)


class TestPieces:
    def test_texts_change_and_addresses_and_tables_do_not(self):
        told = told_section(section(), "recorded")
        assert told.answer == "On 3 recorded sweeps."
        assert (told.question, told.points) == ("recorded?", ("Recorded volumes",))
        assert told.kind == "recorded; transfer: real"
        assert (told.anchor, told.source) == ("simulated", "stage simulated")
        assert told.shown == (("shown (recorded)", "<td>simulated</td>"),)
        assert told.tables == (("table (recorded)", "<td>simulated</td>"),)

    def test_a_caption_says_what_its_figure_says(self):
        told = told_section(section(pictures=(drawn("03_arms"), drawn("01_raters"))), "recorded")
        assert [one.caption for one in told.pictures] == [
            "Drift (recorded).",
            "Drift (simulated).",
        ]
        assert told.kind == "recorded; transfer: real; captions say what is simulated"

    @pytest.mark.parametrize("origin", ["simulated", ""])
    def test_a_simulated_cohort_changes_nothing(self, origin):
        given = section(pictures=(drawn("03_arms"),))
        assert told_section(given, origin) is given
        goal = Goal("a", "simulated", True, "simulated", "a.html")
        assert told_piece(goal, origin) is goal

    def test_a_goal_keeps_its_verdict(self):
        told = told_piece(Goal("a", "b", None, "simulated", "a.html"), "recorded")
        assert told == Goal("a", "b", None, "recorded", "a.html")


class TestPages:
    def test_a_recorded_cohort_is_called_simulated_on_no_page_of_a_topic(self, results):
        tell("recorded")
        pages = built()
        for topic in topics.TOPICS:
            text = without_tables(pages[topic.slug])
            kept = (
                r"simulated (raters?|minutes|sessions|effort|and real|from real)|marked simulated"
            )
            kept += r"|from what is simulated for every|captions say what is simulated"
            kept += r"|simulated pictures"
            left = re.sub(kept, "", text, flags=re.IGNORECASE)
            assert not re.search(r"\bsimulated\b", left, flags=re.IGNORECASE), topic.slug
        assert "On 16 recorded sweeps of 4 infants" in pages["motion"].text
        assert "17 subjects (recorded) with 71 sweeps" in pages["cohort"].text

    def test_chips_and_cards_follow(self, results):
        tell("recorded")
        start = (site.build_site("smoke")).read_text(encoding="utf-8")
        assert 'class="tag recorded">recorded</span>' in start
        assert 'class="tag simulated"' not in start
        assert "on a <b>recorded</b> cohort" in start
        assert "No clinical data" not in start
        found = (*headlines.headlines("smoke"), *headlines.goals("smoke"))
        assert {one.origin for one in found} == {"recorded", "real", "arithmetic"}

    def test_what_is_simulated_for_every_cohort_says_so(self, results):
        tell("recorded")
        pages = built()
        assert "Two simulated raters" in pages["frames"].text
        assert "Simulated and real pictures differ" in pages["cohort"].text
        assert pages["limits"].text.count("simulated") > 1

    def test_a_simulated_cohort_is_never_called_recorded(self, results):
        for name, page in built().items():
            if name != "limits":
                assert "recorded" not in re.sub("as recorded|recorded by", "", page.text), name


def without_tables(page: Page) -> str:
    """Return a page's text; cells of tables are as stages wrote them."""
    return " ".join(re.sub(r"_simulated|simulated_\w+", "", page.text).split())
