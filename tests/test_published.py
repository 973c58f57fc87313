"""The printed numbers at printed precision, and whether the transcription is complete."""

import json

import pytest

from hipus import paths
from hipus.published import as_printed, audit, claims, load, tables
from hipus.published.claim_table import linked_claims
from hipus.published.networks import count_parameters, network_sizes
from hipus.published.recompute import recomputed_checks

NOT_PRINTED = {
    "index.csv",
    "audit.csv",
    "audit_links.csv",
    "derived_midl2026_table4_orientation.csv",
}
"""Files that describe or derive from printed tables."""


@pytest.fixture(scope="module")
def all_claims():
    return claims()


@pytest.fixture(scope="module")
def sizes():
    return network_sizes().set_index("model_id")


@pytest.fixture(scope="module")
def recomputed():
    return recomputed_checks().set_index("check_id")


class TestCompleteness:
    def test_every_file_is_in_the_index(self):
        files = {file.name for file in tables.folder().glob("*.csv")}
        assert files == {column.file for column in tables.index()} | NOT_PRINTED

    def test_every_row_of_every_table_has_a_claim(self, all_claims):
        ids = set(all_claims["claim_id"])
        for name in dict.fromkeys(column.table for column in tables.index()):
            keys = list(tables.columns_of(name)[0].keys)
            for row in as_printed(name)[keys].to_dict("records"):
                stem = "/".join([name, *row.values()]).replace(" ", "_")
                assert any(claim == stem or claim.startswith(stem + "/") for claim in ids), stem

    def test_claim_ids_are_unique(self, all_claims):
        assert all_claims["claim_id"].is_unique

    def test_every_document_has_its_claims(self, all_claims):
        counts = all_claims["document"].value_counts()
        assert counts["MIDL 2026 paper"] == 744
        assert (counts > 30).all()
        assert len(counts) == 6

    def test_numbers_have_values_and_nothing_else_has(self, all_claims):
        is_number = all_claims["kind"] == "number"
        assert all_claims.loc[is_number, "value"].notna().all()
        assert all_claims.loc[~is_number, "value"].isna().all()

    def test_every_check_is_linked_or_says_why_not(self):
        links = audit.links()
        assert set(links["check_id"]) == set(audit.checks()["check_id"])
        unlinked = set(links.loc[links["table"] == "", "check_id"])
        assert unlinked == {"A107", "A121", "A135", "A136"}

    def test_every_link_selects_a_claim(self, all_claims):
        linked = linked_claims()
        assert set(linked["claim_id"]) <= set(all_claims["claim_id"])
        links = audit.links()
        assert set(linked["check_id"]) == set(links.loc[links["table"] != "", "check_id"])

    def test_a_check_without_a_tested_claim_gives_a_reason(self):
        links = audit.links()
        tests = links[links["role"] == "tested"]["check_id"]
        rest = links[~links["check_id"].isin(tests)]
        longest = rest.groupby("check_id")["reason"].max()
        assert list(longest[longest == ""].index) == []

    def test_audit_and_claims_name_the_same_documents(self, all_claims):
        documents = set(all_claims["document"]) - {"Other literature"}
        assert set(audit.checks()["source"]) == documents


class TestArithmetic:
    def test_recomputed_verdicts_agree_with_the_audit(self, recomputed):
        differing = recomputed[recomputed["verdict"] != recomputed["audit_verdict"]]
        assert differing.empty, differing[["computed", "printed", "audit_computed"]]

    def test_most_of_the_audit_is_recomputed(self, recomputed):
        paper = recomputed[recomputed["source"] == "MIDL 2026 paper"]
        assert len(paper) == 72
        assert len(recomputed) == 120

    @pytest.mark.parametrize("check_id", ["A016", "A017", "A018"])
    def test_one_assignment_of_cases_gives_table_3(self, recomputed, check_id):
        computed = recomputed.loc[check_id, "computed"]
        assert "cases 1 4 6 7" in computed
        assert computed.endswith("splits that fit: 1")

    def test_table_3_measures_from_truth_to_prediction(self, recomputed):
        assert recomputed.loc["A018", "verdict"] == "consistent"
        assert recomputed.loc["A019", "computed"].endswith("splits that fit: 0")
        assert recomputed.loc["A020", "computed"].endswith("splits that fit: 0")

    def test_derived_orientations_are_the_unique_ones(self):
        derived = tables.read_csv("derived_midl2026_table4_orientation.csv")
        found = derived.query("sweep_orientation_inferred == 'proximal_distal'")["case"]
        assert list(found) == ["1", "4", "6", "7"]

    def test_table_1_prints_population_spreads(self, recomputed):
        computed = recomputed.loc["A011", "computed"]
        assert computed.startswith("population 0.0918; 0.1029; 0.0872; 0.1553 | sample 0.0981")

    def test_distances_lie_on_a_lattice_of_02483_mm(self, recomputed):
        computed = recomputed.loc["A024", "computed"]
        assert computed.startswith("32 of 32 values on the lattice")
        assert "0.2482998 to 0.2483002" in computed

    def test_six_zero_distances_cannot_be_maxima(self, recomputed):
        assert recomputed.loc["A025", "computed"].startswith("6 entries with HD 0.0000, of which 6")

    def test_grades_come_from_39_29_and_6_sweeps(self, recomputed):
        assert recomputed.loc["A064", "computed"] == "39 + 29 + 6 = 74"

    def test_hips_are_87_ib_and_13_iia(self, recomputed):
        assert recomputed.loc["A072", "computed"] == "Ib 87; IIa 13"

    def test_drift_is_that_of_six_sweeps_per_direction(self, recomputed):
        assert recomputed.loc["A043", "computed"].endswith("both spreads: 6")

    def test_189_tracked_sweeps_are_not_50(self, recomputed):
        row = recomputed.loc["A051"]
        assert (row["computed"], row["printed"], row["verdict"]) == ("189", "50", "inconsistent")


class TestNetworkSizes:
    @pytest.mark.parametrize(
        ("model_id", "printed", "trainable", "state_dict", "printed_is"),
        [
            ("2.1", 92_468_062, 33_476_350, 92_468_062, "state dict"),
            ("2.2", 92_468_062, 33_476_350, 92_468_062, "state dict"),
            ("2.3", 92_468_062, 33_477_502, 92_472_670, "neither"),
            ("3.1", 88_213_209, 30_788_409, 88_213_209, "state dict"),
            ("3.2", 88_622_809, 31_198_009, 88_622_809, "state dict"),
            ("reconstruction", 4_069_513, 4_069_513, 4_111_578, "trainable"),
        ],
    )
    def test_printed_and_built(self, sizes, model_id, printed, trainable, state_dict, printed_is):
        row = sizes.loc[model_id]
        assert row["printed_parameters"] == printed
        assert row["trainable_parameters"] == trainable
        assert row["state_dict_elements"] == state_dict
        assert row["printed_is"] == printed_is

    def test_frozen_and_shared_tensors_are_told_apart(self):
        from torch import nn

        shared = nn.Linear(3, 2)
        network = nn.ModuleDict({"a": shared, "b": shared, "c": nn.BatchNorm1d(4)})
        network["c"].weight.requires_grad_(False)
        counts = count_parameters(network)
        # Linear 8 once, batch norm's bias 4; then 8 twice, 8 of weight and bias, 9 of buffers.
        assert (counts.trainable, counts.state_dict) == (12, 33)


class TestOtherInputs:
    def test_protocol_is_three_sweeps_on_each_side(self):
        sweeps = tables.read_csv("../protocol/sweeps.csv")
        pairs = set(zip(sweeps["sweep_type"], sweeps["side"], strict=True))
        types = {"graf", "posterior_anterior", "proximal_distal"}
        assert pairs == {(name, side) for name in types for side in ("left", "right")}
        assert set(sweeps["duration_source"]) == {"assumed", "printed"}

    def test_protocol_durations_are_the_printed_ones(self):
        sweeps = tables.read_csv("../protocol/sweeps.csv").set_index("sweep_type")
        for name, claim in (("posterior_anterior", "M013"), ("proximal_distal", "M014")):
            printed = tables.printed("midl_text", f"claim_id={claim}")
            assert set(sweeps.loc[name, "duration_s_mean"]) == {printed}

    def test_cohort_targets_equal_the_transcribed_numbers(self):
        targets = tables.read_csv("../cohort/published_cohort.csv")
        value = targets.set_index(["group", "quantity"])["value"].astype(float)
        cohort = load("midl_table6")
        hips = cohort[["graf_right", "graf_left"]].stack()
        with_iia = (cohort[["graf_right", "graf_left"]] == "IIa").any(axis=1)
        assert value["cohort", "infants"] == len(cohort)
        assert value["cohort", "female"] == (cohort["sex"] == "f").sum()
        assert value["hips", "graf_Ib"] == (hips == "Ib").sum()
        assert value["hips", "graf_IIa"] == (hips == "IIa").sum()
        assert value["hips", "infants_with_IIa"] == with_iia.sum()
        assert value["delivery", "c_section"] == (cohort["delivery"] == "C-section").sum()

    def test_plans_name_no_machine(self):
        text = (tables.folder() / "nnunet_plans.json").read_text(encoding="utf-8")
        assert set(json.loads(text)["configurations"]) == {"m21", "m22", "m23", "m31", "m32"}
        assert '"/' not in text

    def test_data_folder_is_where_paths_say(self):
        assert tables.folder() == paths.data_dir() / "published"
