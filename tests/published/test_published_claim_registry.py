"""The three tables of `data/claims`: whom they name, and what is refused."""

import pytest

from hipus.published import claim_registry, claims
from hipus.published.claim_registry import Kind, Source

LINKS, KINDS, SOURCES = (f"../claims/{name}.csv" for name in ("links", "kinds", "sources"))


class TestCells:
    def test_every_claim_has_one_cell_under_its_own_id(self):
        ids = [cell.claim_id for cell in claim_registry.cells()]
        assert ids == list(claims()["claim_id"])

    def test_a_cell_knows_its_printed_row(self):
        known = {cell.claim_id: cell for cell in claim_registry.cells()}
        cell = known["midl_table4/3/femoral_head/hd_mm"]
        assert (cell.table, cell.column, cell.row["hd_mm"]) == ("midl_table4", "hd_mm", "0.0000")


class TestKinds:
    def test_each_listed_claim_has_a_kind_and_a_reason(self):
        found = claim_registry.kinds()
        assert {row.kind for row in found.values()} == set(Kind)
        assert all(row.reason for row in found.values())

    def test_columns_narrow_what_is_meant(self):
        found = claim_registry.kinds()
        assert found["midl_table6/1/sex"].kind == Kind.INPUT
        assert found["midl_table6/1/delivery"].kind == Kind.CLINICAL

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("claim_id=M012,", "claim_id=M999,", "midl_text has no claim for rows 'claim_id=M999'"),
            ("claim_id=M012,", "claim_id=M013,", "midl_text/M013 is listed twice"),
            (",hardware,,a time", ",hard,,a time", r"expected one of .* got 'hard'"),
            ("midl_graf,", "midl_rules,", "table must be one of .* got 'midl_rules'"),
            ("table,rows,columns,kind", "table,rows,columns,sort", "kinds.csv: columns must be"),
            (
                "hipus/labels.py,the four structures that simulated raters label",
                ",the four structures that simulated raters label",
                "needs reason and used_in",
            ),
        ],
    )
    def test_what_names_nothing_or_too_much_is_refused(self, edited, old, new, message):
        edited.replace(KINDS, old, new)
        with pytest.raises(ValueError, match=message):
            claim_registry.kinds()


class TestLinks:
    def test_several_answers_are_sentences_only(self):
        found = claim_registry.links()
        assert {link.our_table for _, link in found["midl_statement/S7g"]} == {
            "motion_claims",
            "hip_claims",
        }
        assert all(len(known) == 1 for name, known in found.items() if "table" in name)

    @pytest.mark.parametrize(
        ("file", "old", "new", "message"),
        [
            (LINKS, "claim_id=M059,", "claim_id=M060,", "midl_text/M060 has 2 answers"),
            (LINKS, ",frame_scores,", ",frame_dice,", "'frame_dice' is not in sources.csv"),
            (LINKS, ",subjects,", ",infants,", r"expected one of .* got 'infants'"),
            (LINKS, ",1,size,", ",1,shape,", r"expected one of .* got 'shape'"),
        ],
    )
    def test_what_cannot_be_looked_up_is_refused(self, edited, file, old, new, message):
        edited.replace(file, old, new)
        with pytest.raises(ValueError, match=message):
            claim_registry.links()

    def test_a_missing_file_names_the_command(self, edited):
        edited.remove(LINKS)
        with pytest.raises(FileNotFoundError, match="dvc pull data.dvc"):
            claim_registry.links()


class TestSources:
    def test_commands_name_stage_and_profile(self):
        row = Source("motion_claims", "motion_arms", "arms/dvc.yaml", "42_sensorless", "simulated")
        assert row.command("small") == "dvc repro -s arms/dvc.yaml:motion_arms@small"
        assert row.page == "notebooks/42_sensorless.html"

    def test_every_source_is_used(self):
        linked = {link.our_table for known in claim_registry.links().values() for _, link in known}
        own = {"published_claims", "published_checks"}
        assert set(claim_registry.sources()) == linked | own
