"""The table of all claims."""

import numpy as np
import pytest

from hipus.published import claims
from hipus.published.claim_table import linked_claims


@pytest.fixture(scope="module")
def table():
    return claims().set_index("claim_id")


class TestOneClaim:
    def test_a_number_carries_value_unit_and_spread(self, table):
        claim = table.loc["midl_text/M068"]
        assert (claim["printed"], claim["value"], claim["unit"]) == ("16.28", 16.28, "mm")
        assert (claim["spread"], claim["kind"], claim["location"]) == (
            "3.92",
            "number",
            "section 6.3",
        )

    def test_a_cell_of_a_wide_table_is_named_by_its_column(self, table):
        claim = table.loc["midl_table4/6/ilium/hd_mm"]
        assert claim["value"] == 8.4312
        assert claim["item"] == "HD of model 3.2, case 6, ilium"

    def test_a_printed_word_is_an_entry_without_value(self, table):
        claim = table.loc["cp_text/P013"]
        assert (claim["printed"], claim["kind"]) == ("Adam", "entry")
        assert np.isnan(claim["value"])

    def test_a_sentence_is_a_statement(self, table):
        assert table.loc["midl_statement/S63e", "kind"] == "statement"

    def test_a_suspected_misprint_keeps_its_value_and_gets_a_note(self, table):
        claim = table.loc["thesis_real_sweeps/CNN+CLSTM_sliding_window/MG"]
        assert (claim["printed"], claim["value"]) == ("0152", 152.0)
        assert "decimal point probably lost" in claim["note"]


class TestVerdicts:
    def test_a_zero_hausdorff_distance_is_contradicted(self, table):
        assert table.loc["midl_table4/7/ilium/hd_mm", "audit_verdict"] == "inconsistent"

    def test_other_hausdorff_distances_are_confirmed(self, table):
        claim = table.loc["midl_table4/6/ilium/hd_mm"]
        assert claim["audit_verdict"] == "confirmed by arithmetic"
        assert "A024" in claim["audit_checks"].split(";")

    def test_a_sentence_against_its_own_table_is_contradicted(self, table):
        assert table.loc["midl_statement/S62b", "audit_verdict"] == "inconsistent"

    def test_numbers_used_as_evidence_keep_their_own_verdict(self, table):
        claim = table.loc["midl_table1/2.1/ilium"]
        assert claim["audit_verdict"] == "confirmed by arithmetic"
        assert "A034" in claim["audit_evidence"].split(";")

    def test_a_claim_without_check_is_not_audited(self, table):
        claim = table.loc["midl_text/M003"]
        assert (claim["audit_verdict"], claim["audit_checks"]) == ("not audited", "")


class TestPrivacy:
    def test_identifiers_of_infants_appear_nowhere(self, table):
        text = table.reset_index().to_csv()
        assert "J3GRLN" not in text
        assert "ALC2IT" not in text


class TestFaults:
    def test_a_link_to_an_unknown_column_is_refused(self, edited):
        edited.replace(
            "audit_links.csv", "is_printed_mean_row=1,hd_mm,", "is_printed_mean_row=1,hd,"
        )
        with pytest.raises(ValueError, match=r"A012: \['hd'\] are no columns of midl_table4"):
            linked_claims()

    def test_a_link_that_selects_nothing_is_refused(self, edited):
        edited.replace(
            "audit_links.csv", "A001,midl_table1,model_id=2.1", "A001,midl_table1,model_id=9"
        )
        with pytest.raises(
            ValueError, match="A001: midl_table1 has no value for rows 'model_id=9'"
        ):
            linked_claims()

    def test_a_link_to_an_unknown_table_is_refused(self, edited):
        edited.replace("audit_links.csv", "A001,midl_table1", "A001,table1")
        with pytest.raises(ValueError, match=r"table \['table1'\] is not in index.csv"):
            linked_claims()
