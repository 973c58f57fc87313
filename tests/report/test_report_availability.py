"""What a cohort cannot tell stands at the top of its page, and is counted on the start page."""

import made_results
import pytest
from seen_page import built

from hipus import paths, tables
from hipus.report import availability, hips, motion, site, topics
from hipus.report.availability import Lack, lacking
from hipus.stages import availability as stage

TAKES = "sweeps recorded with a tracker: poses, calibration and lag"


def write(*lacking_stages: str, status: str = "not available: no tracking") -> None:
    """Write the table of a cohort that lacks what some stages need."""
    rows = [
        {"stage": name, "needs": "", "available": "", "n": 0, "status": status,
         "what_it_would_take": TAKES}
        if name in lacking_stages else
        {"stage": name, "needs": "", "available": "", "n": 9, "status": "available",
         "what_it_would_take": ""}
        for name in stage.NEEDS
    ]  # fmt: skip
    made_results.write_table("availability", *rows)


class TestPages:
    def test_every_stage_that_needs_something_is_told_on_a_page_that_exists(self):
        told = [name for stages in availability.PAGES.values() for name in stages]
        assert len(told) == len(set(told))
        assert set(told) == {name for name, needs in stage.NEEDS.items() if needs}
        slugs = {topic.slug for topic in topics.TOPICS} | {"hip", "figures"}
        assert set(availability.PAGES) <= slugs

    def test_words_are_those_of_the_stage(self):
        assert availability.AVAILABLE == stage.AVAILABLE
        assert availability.TABLE == stage.STAGE
        assert set(availability._COLUMNS) <= set(stage.COLUMNS)


class TestLacking:
    def test_stages_that_lack_the_same_stand_together(self, results):
        write("motion", "motion_transfer", "hip_fusion")
        status = "not available: no tracking"
        assert lacking("smoke") == {
            "motion": [Lack(("motion", "motion_transfer"), status, TAKES)],
            "fusion": [Lack(("hip_fusion",), status, TAKES)],
        }

    def test_a_stage_without_a_page_is_told_with_the_record(self, results):
        made_results.write_table(
            "availability", {"stage": "new", "status": "not available: x", "what_it_would_take": ""}
        )
        assert lacking("smoke") == {"provenance": [Lack(("new",), "not available: x", "")]}

    def test_nothing_lacks_where_all_is_available_or_nobody_asked(self, results):
        assert lacking("smoke") == {}
        write()
        assert lacking("smoke") == {}


class TestSite:
    def test_it_stands_before_the_page_s_heading_and_is_counted_on_the_start_page(self, results):
        write("motion", "motion_transfer", "hip_fusion", "hip_scene")
        folder = site.build_site("smoke").parent
        page = (folder / "motion.html").read_text(encoding="utf-8")
        said = f"<code>motion_transfer</code>: not available: no tracking. It would take {TAKES}."
        assert page.index(said) < page.index("<h1")
        start = (folder / "index.html").read_text(encoding="utf-8")
        assert "4 stages lack what they need" in start
        assert '<a href="motion.html">Motion without tracking</a> (2)' in start
        assert '<a href="hip.html">A hip in 3D</a> (1)' in start
        assert "What this cohort cannot tell" not in (folder / "angles.html").read_text()

    def test_nothing_is_said_where_nothing_lacks(self, results):
        write()
        assert not any("cannot tell:" in page.text for page in built().values())


@pytest.fixture
def untracked(results):
    """Return a study folder whose cohort lacks all: every table of it has columns and no rows."""
    for path in sorted((paths.results_dir("smoke") / "tables").glob("*.csv")):
        if path.stem not in ("machine", "real_inputs", "physics_checks", "temporal_calibration"):
            tables.write(tables.read(path).iloc[:0], path, key=[])
    for name in ("segmentation_scores", "hip_angles", "hip_fusion", "first_masks", "motion"):
        tables.write_metrics({}, paths.metrics_file("smoke", name))
    return results


class TestEmptyTables:
    def test_every_page_builds(self, untracked):
        pages = built()
        assert {topic.slug for topic in topics.TOPICS} < set(pages)
        assert motion.NOT_MEASURED in pages["motion"].text
        assert hips.NOT_MEASURED in pages["angles"].text
        for page in pages.values():
            assert "nan" not in page.text.split()

    def test_no_card_and_no_goal_is_made_of_nothing(self, untracked):
        assert motion.headlines("smoke") == motion.goals("smoke") == []
        assert "drift" not in built()["index"].text
