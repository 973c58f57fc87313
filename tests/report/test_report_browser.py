"""The site in a real browser: it loads from disk, asks nothing of a network, and can be used.

Needs Chromium (`HIPUS_CHROMIUM`, or on the PATH). Without one the tests are skipped;
`HIPUS_REQUIRE_BROWSER=1` makes that a failure.
"""

import re

import devtools
import made_claims
import made_results
import made_run
import nbformat
import pytest
from nbformat import v4

from hipus.report import hip_page, notebook_pages, site

FOCUSED = "document.activeElement.id || document.activeElement.textContent.trim()"
SHOWN = "[...document.querySelectorAll('#claims tbody tr')].filter(row => !row.hidden).length"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    """Return a browser's page."""
    with devtools.browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the folder of a site with claims, a figure and a notebook."""
    root = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIPUS_ROOT", str(root))
        made_results.write_all()
        made_results.draw_one()
        made_claims.write_many(200)
        notebooks = root / "results" / "smoke" / "notebooks"
        notebooks.mkdir()
        table = "<table><tr>" + "<td>a rather wide cell</td>" * 30 + "</tr></table>"
        outputs = [v4.new_output("display_data", {"text/html": table})]
        cells = [v4.new_markdown_cell("# How accurate?"), v4.new_code_cell("1", outputs=outputs)]
        nbformat.write(v4.new_notebook(cells=cells), notebooks / "02_calibration.ipynb")
        folder = site.build_site("smoke").parent
        notebook_pages.write_pages(notebooks, folder)
    return folder


def every(folder):
    """Return all pages of a site."""
    return sorted(folder.rglob("*.html"))


class TestEveryPage:
    def test_nothing_leaves_the_machine_and_nothing_is_complained_of(self, tab, pages):
        tab.requests.clear()
        for path in every(pages):
            tab.complaints.clear()
            tab.open(path)
            assert tab.complaints == [], path.name
        assert len(tab.requests) > 40
        assert {address.partition(":")[0] for address in tab.requests} <= {"file", "data"}

    def test_what_would_leave_the_machine_is_seen_and_refused(self, tab, pages):
        policy = notebook_pages.POLICY
        bad = pages.parent / "bad.html"
        bad.write_text(f"{policy}<img src='https://example.org/a.png'><script>oops()</script>")
        tab.complaints.clear()
        tab.open(bad)
        assert any("oops" in one for one in tab.complaints)
        assert any("Content Security Policy" in one for one in tab.complaints)

    @pytest.mark.parametrize("width", [360, 1440])
    def test_no_page_scrolls_sideways(self, tab, pages, width):
        for path in every(pages):
            tab.open(path, width=width, height=740)
            wide = tab.value("document.documentElement.scrollWidth")
            assert wide <= width, path.name

    def test_every_picture_is_there(self, tab, pages):
        for path in every(pages):
            tab.open(path)
            tab.value("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
            waits = "[...document.images].map(one => one.decode().then(() => 1, () => 0))"
            assert 0 not in tab.value(f"await Promise.all({waits})"), path.name

    def test_text_stands_out_in_both_schemes(self, tab, pages):
        style = (pages / "assets" / "site.css").read_text()
        for scheme in re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)[:2]:
            colours = dict(re.findall(r"--(\w+): (#\w{6})", scheme))
            pairs = [(text, ground) for text in ("ink", "muted", "accent", "good", "bad")
                     for ground in ("paper", "wash")]  # fmt: skip
            for text, ground in (*pairs, ("warn", "warnwash"), ("ink", "hit"), ("muted", "hit")):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)

    def test_the_dark_scheme_is_used_where_it_is_asked_for(self, tab, pages):
        ground = "getComputedStyle(document.body).backgroundColor"
        tab.open(pages / "index.html")
        assert tab.value(ground) == "rgb(255, 255, 255)"
        tab.open(pages / "index.html", dark=True)
        assert tab.value(ground) == "rgb(17, 23, 30)"


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours by WCAG 2.2."""

    def luminance(colour: str) -> float:
        shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_its_definition():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


class TestKeyboard:
    def test_the_first_key_offers_to_skip_the_menu_and_does(self, tab, pages):
        tab.open(pages / "motion.html")
        tab.press("Tab")
        assert tab.value(FOCUSED) == "Skip to the content"
        assert tab.value("document.activeElement.getBoundingClientRect().left") >= 0
        tab.press("Enter")
        assert tab.value("document.activeElement.id") == "main"
        tab.press("Tab")
        assert tab.value("document.querySelector('main').contains(document.activeElement)")

    def test_what_has_the_focus_is_seen(self, tab, pages):
        tab.open(pages / "index.html")
        tab.press("Tab", times=3)
        style = "getComputedStyle(document.activeElement)"
        assert tab.value(f"{style}.outlineStyle + ' ' + {style}.outlineWidth") == "solid 3px"

    def test_search_and_filters_are_reached_in_their_order(self, tab, pages):
        tab.open(pages / "claims.html")
        order, last = [], None
        tab.press("Tab")
        tab.press("Enter")
        for _ in range(8):
            tab.press("Tab")
            last = tab.value(FOCUSED)
            order.append(last)
        found = [name for name in order if name in
                 ("search", "by-verdict", "by-document", "by-origin", "Clear")]  # fmt: skip
        assert found == ["search", "by-verdict", "by-document", "by-origin", "Clear"]

    def test_on_a_phone_the_menu_opens(self, tab, pages):
        tab.open(pages / "motion.html", width=390, height=844)
        tab.press("Tab", times=3)
        assert tab.value(FOCUSED) == "Menu"
        seen = "document.querySelector('.bar nav').checkVisibility()"
        assert not tab.value(seen)
        tab.press("Enter")
        assert tab.value(seen)
        assert tab.value("document.documentElement.scrollWidth") <= 390


class TestClaims:
    @pytest.fixture
    def claims(self, tab, pages):
        return tab.open(pages / "claims.html")

    def choose(self, tab, name, value):
        tab.value(
            f"(one => {{ one.value = '{value}'; "
            "one.dispatchEvent(new Event('input', {bubbles: true})); })"
            f"(document.getElementById('{name}'))"
        )

    def test_all_are_there_at_first(self, claims):
        assert claims.value(SHOWN) == 200
        assert claims.value("document.getElementById('count').value") == "200 of 200 claims"

    def test_a_search_leaves_the_rows_that_hold_all_words(self, claims):
        claims.value("document.getElementById('search').focus()")
        claims.write("DICE of case 17")
        # 17, 117, and those from 170 to 179
        assert claims.value(SHOWN) == 12
        assert claims.value("document.getElementById('count').value") == "12 of 200 claims"

    def test_filters_combine_and_are_taken_back(self, claims):
        self.choose(claims, "by-verdict", "differs")
        rows = [number for number in range(200) if number % 7 == 2]
        assert claims.value(SHOWN) == len(rows)
        self.choose(claims, "by-document", made_claims.THESIS)
        assert claims.value(SHOWN) == sum(number % 3 == 0 for number in rows)
        claims.value("document.querySelector('#filters [type=reset]').click()")
        assert claims.value(SHOWN) == 200

    def test_where_nothing_fits_a_reader_is_told_and_led_back(self, claims):
        claims.value("document.getElementById('search').focus()")
        claims.write("no such thing")
        assert claims.value(SHOWN) == 0
        assert claims.value("document.getElementById('nothing').checkVisibility()")
        claims.value("document.getElementById('clear').click()")
        assert claims.value(SHOWN) == 200

    def test_a_link_to_a_claim_leads_to_its_row(self, tab, pages):
        tab.open((pages / "claims.html").as_uri() + "#t1/%28row_150%29/Dice")
        row = "document.querySelector('tr:target')"
        assert tab.value(f"{row}.id") == "t1/(row_150)/Dice"
        top = tab.value(f"{row}.getBoundingClientRect().top")
        assert 0 <= top <= 900

    def test_a_link_to_a_claim_that_is_filtered_away_shows_it(self, claims):
        claims.value("document.getElementById('search').focus()")
        claims.write("Dice of case 17")
        claims.value("location.hash = '#t1/(row_33)/Dice'")
        assert claims.value("document.getElementById('t1/(row_33)/Dice').checkVisibility()")
        assert claims.value(SHOWN) == 200

    def test_without_scripts_the_table_is_whole(self, tab, pages):
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            tab.open(pages / "claims.html")
        finally:
            tab.call("Emulation.setScriptExecutionDisabled", value=False)
        assert tab.value(SHOWN) == 200
        assert not tab.value("document.getElementById('filters').checkVisibility()")


class TestHipPage:
    """The page that `hipus run` leaves, which is one file."""

    @pytest.fixture
    def page(self, tmp_path):
        folder = made_run.write_run(tmp_path / "run")
        return hip_page.write_hip_page(folder, folder / "report.html", steps=made_run.STEPS)

    def test_the_hip_turns_where_there_is_webgl(self, tab, page):
        tab.complaints.clear()
        tab.open(page)
        seen = tab.value("document.documentElement.outerHTML")
        assert tab.complaints == []
        assert 'aria-pressed="true">Stop' in seen
        assert all(f">{name}</text>" in seen for name in ("superior", "10 mm"))

    def test_without_webgl_the_still_picture_stays(self, page, tmp_path):
        with devtools.browser(tmp_path / "flat", "--disable-3d-apis") as flat:
            flat.open(page)
            seen = flat.value("document.documentElement.outerHTML")
            assert flat.complaints == []
        assert 'aria-pressed="false">Turn' in seen
        assert '<div class="tools" id="tools" hidden' in seen
        assert 'style="display: none' not in seen


def test_a_complaint_would_be_seen(tab, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<p>here</p><script>console.error('it ran')</script>")
    tab.complaints.clear()
    tab.open(page)
    assert any("it ran" in line for line in tab.complaints)
