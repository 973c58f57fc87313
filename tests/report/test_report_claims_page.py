"""The page of published claims: each a row with an address, its verdict and where to look."""

import made_claims as made
import pytest
from seen_page import built

from hipus.report import claims_page, headlines


class TestRows:
    def test_an_answered_claim_has_all_that_is_known(self, results):
        made.write(made.claim(5))
        (one,) = claims_page.read_claims("smoke")
        assert one.address == "#t1/%28row_5%29/Dice"
        assert (one.printed, one.ours, one.interval) == ("0.005", "0.775", "95 % 0.757 to 0.7901")
        assert one.link_name == "models"
        assert (one.count, one.origin, one.verdict) == (
            "n = 38", "simulated", "not testable without the clinical cohort",
        )  # fmt: skip

    def test_a_claim_without_an_answer_has_no_number_of_ours(self, results):
        made.write(made.claim(1, ours="", ours_lower=None, ours_upper=None, n="7"))
        (one,) = claims_page.read_claims("smoke")
        assert (one.ours, one.interval, one.count) == ("", "", "")

    @pytest.mark.parametrize(
        ("printed", "unit", "told"),
        [("12.6", "mm", "12.6 mm"), ("0.81", "fraction", "0.81"), ("57", "count", "57"),
         ("7.5 s", "s", "7.5 s"), ("12.6", "", "12.6")],
    )  # fmt: skip
    def test_a_unit_stands_once(self, results, printed, unit, told):
        made.write(made.claim(1, printed=printed, unit=unit))
        assert claims_page.read_claims("smoke")[0].printed == told

    def test_a_profile_without_the_stage_has_none(self, results):
        assert claims_page.read_claims("smoke") is None

    def test_a_claim_that_stands_twice_is_an_error(self, results):
        made.write(made.claim(1), made.claim(1))
        with pytest.raises(ValueError, match=r"claim_id must be there once, got \['t1/\(row_1\)"):
            claims_page.read_claims("smoke")

    def test_documents_with_most_claims_come_first(self, results):
        made.write_many(9)
        found = [one.document for one in claims_page.read_claims("smoke")]
        assert found == [made.PAPER] * 6 + [made.THESIS] * 3

    def test_a_link_is_called_by_where_it_leads(self, results):
        made.write(made.claim(1, link="notebooks/91_published_numbers.html"))
        assert claims_page.read_claims("smoke")[0].link_name == "notebook 91"


class TestCounts:
    def test_verdicts_by_document_add_up(self, results):
        made.write_many(30)
        table = claims_page.counts(claims_page.read_claims("smoke"))
        assert list(table.columns) == ["verdict", made.PAPER, made.THESIS, "all"]
        assert table["all"].sum() == 30
        assert (table[made.THESIS] + table[made.PAPER] == table["all"]).all()
        assert table["verdict"].iloc[0] == "✓ confirmed by arithmetic"

    def test_choices_offer_what_is_there_with_counts(self, results):
        made.write_many(30)
        found = claims_page.choices(claims_page.read_claims("smoke"))
        assert [value for value, _ in found["verdict"]] == list(made.VERDICTS)
        assert found["document"] == [(made.PAPER, 20), (made.THESIS, 10)]
        assert found["origin"] == [("simulated", 26)]

    def test_every_verdict_has_a_sign_of_its_own_and_a_new_one_is_shown_too(self, results):
        signs = [claims_page.sign_of(name)[0] for name in made.VERDICTS]
        assert len(set(signs)) == len(made.VERDICTS)
        made.write(made.claim(1, verdict="of another kind"))
        table = claims_page.counts(claims_page.read_claims("smoke"))
        assert list(table["verdict"]) == ["· of another kind"]


class TestPage:
    def test_every_claim_is_a_row_that_can_be_linked_to(self, results):
        made.write_many(30)
        page = built()["claims"]
        rows = [found for tag, found in page.tags if tag == "tr" and "data-verdict" in found]
        assert len(rows) == len({row["id"] for row in rows}) == 30
        assert "30 numbers and sentences" in page.text

    def test_controls_have_labels_and_wait_for_the_script(self, results):
        made.write_many(3)
        tags = built()["claims"].tags
        labelled = {found["for"] for tag, found in tags if tag == "label"}
        assert labelled == {"search", "by-verdict", "by-document", "by-origin"}
        assert labelled <= {found.get("id") for tag, found in tags if tag in ("input", "select")}
        assert [found for tag, found in tags if tag == "form" and "hidden" in found]

    def test_text_of_claims_never_becomes_markup(self, results):
        made.write(made.claim(1, item="<img src=x>", reason='"><b>bold</b>', ours="<i>"))
        page = built()["claims"]
        assert "<img src=x>" in page.text
        assert not [found for tag, found in page.tags if tag in ("b", "i") and "x" in found]
        assert "img" not in {tag for tag, _ in page.tags}

    def test_the_start_page_counts_verdicts(self, results):
        made.write_many(30)
        found = headlines.headlines("smoke")[-1]
        assert (found.value, found.count, found.origin) == (
            "30", "5 confirmed by arithmetic, 5 same direction, 4 differs", "mixed",
        )  # fmt: skip
        assert found.beside.startswith("16 are inputs, quoted")
