"""What wins where several things can be said of a claim, on made results."""

import numpy as np
import pandas as pd
import pytest

from hipus import paths
from hipus.published import beside, claim_registry, claims
from hipus.published.beside import COLUMNS, Judge
from hipus.published.verdicts import Verdict

#: Claims on which more than one rule could speak.
FOLLOWED = (
    "midl_text/M022", "midl_text/M050", "midl_text/M058", "midl_text/M059", "midl_text/M061",
    "midl_text/M094", "midl_text/M001", "midl_text/M003", "midl_table1/2.1/ilium",
    "midl_table2/Relative/translation_x", "midl_table4/3/ilium/hd_mm", "midl_statement/S53b",
    "midl_statement/S521b", "ultrabones_text/U004", "thesis_text/T033",
)  # fmt: skip


def put(name: str, *rows: dict) -> None:
    """Save a made table of results."""
    file = paths.table_file("smoke", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(file, index=False)


def frame(dice: float, **keys) -> dict:
    """Return a made row of `frame_scores`."""
    row = {"cohort": "test", "model_id": "2.1", "structure": "ilium", "subject_id": "S051"}
    return row | {"dice_truth": dice} | keys


def generator(name: str) -> np.random.Generator:
    """Return the same generator for every table."""
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def printed() -> pd.DataFrame:
    """Return the followed claims."""
    found = claims()
    return found[found["claim_id"].isin(FOLLOWED)]


@pytest.fixture
def judged(edited, printed):
    """Return a function that judges the followed claims by the tables saved so far."""

    def judge() -> pd.DataFrame:
        made = Judge("smoke", generator, resamples=200)
        return made.table(printed).set_index("claim_id")

    return judge


class TestWithoutResults:
    def test_every_claim_has_a_row_a_verdict_a_reason_and_a_place(self, judged):
        found = judged()
        assert sorted(found.index) == sorted(FOLLOWED)
        assert list(found.reset_index().columns) == COLUMNS
        for name in ("verdict", "reason", "table", "stage", "command", "link"):
            assert (found[name] != "").all(), name
        assert set(found["verdict"]) <= set(Verdict)

    def test_a_missing_table_is_named_with_its_stage(self, judged):
        row = judged().loc["midl_text/M059"]
        assert row["verdict"] == Verdict.CLINICAL
        assert (
            "stage model_masks was skipped or not run (dvc repro model_masks@smoke)"
            in (row["reason"])
        )
        assert (row["ours"], row["profile"], row["table"]) == ("", "", "frame_scores")

    def test_inputs_hardware_and_quotations_need_no_results(self, judged):
        verdict = judged()["verdict"]
        for name in (
            "midl_text/M022",
            "midl_text/M058",
            "midl_statement/S521b",
            "thesis_text/T033",
        ):
            assert verdict[name] == Verdict.INPUT, name
        assert verdict["midl_text/M061"] == Verdict.HARDWARE
        assert verdict["midl_text/M003"] == Verdict.QUOTED
        assert verdict["midl_text/M094"] == Verdict.CLINICAL
        assert verdict["midl_table2/Relative/translation_x"] == Verdict.CLINICAL
        assert verdict["ultrabones_text/U004"] == Verdict.QUOTED

    def test_an_empty_table_is_as_good_as_none(self, judged):
        put("frame_scores", frame(0.7))
        file = paths.table_file("smoke", "frame_scores")
        file.write_text(file.read_text().splitlines()[0] + "\n")
        assert judged().loc["midl_text/M059", "verdict"] == Verdict.CLINICAL


class TestWithResults:
    def test_a_number_near_the_printed_one_points_the_same_way(self, judged):
        put("frame_scores", frame(0.70), frame(0.72, subject_id="S052"))
        row = judged().loc["midl_table1/2.1/ilium"]  # printed 0.707
        assert (row["verdict"], row["n"], row["origin"]) == ("same direction", "2 infants",
                                                             "simulated")  # fmt: skip
        assert row["ours_value"] == pytest.approx(0.71)
        assert row["reason"].startswith("ours is 0% above the printed number and the printed one")
        assert row["command"] == "dvc repro model_masks@smoke"

    def test_a_number_far_off_differs(self, judged):
        put("frame_scores", frame(0.20), frame(0.24, subject_id="S052"))
        row = judged().loc["midl_table1/2.1/ilium"]
        assert row["verdict"] == Verdict.DIFFERS
        assert "ours is 69% below the printed number" in row["reason"]

    def test_an_input_stays_an_input_whatever_comes_out(self, judged):
        put("cohort_published", {"quantity": "infants", "ours": "50"})
        row = judged().loc["midl_text/M022"]  # printed 50
        assert (row["verdict"], row["ours_value"]) == (Verdict.INPUT, 50.0)
        assert row["reason"].startswith("cannot be confirmed here")

    @pytest.mark.parametrize(("count", "verdict"), [(4_069_513, "confirmed by arithmetic"),
                                                    (4_069_514, "differs")])  # fmt: skip
    def test_a_network_has_exactly_as_many_parameters_or_not(self, judged, count, verdict):
        put("network_sizes", {"model_id": "reconstruction", "trainable_parameters": count,
                              "printed_is": "trainable"})  # fmt: skip
        row = judged().loc["midl_text/M050"]
        assert (row["verdict"], row["origin"], row["profile"]) == (verdict, "arithmetic", "")

    def test_a_single_hip_is_shown_and_not_compared(self, judged):
        put("segmentation_table4", {"printed_case": 3, "structure": "ilium", "measure": "hd_mm",
                                    "label": 0.0})  # fmt: skip
        row = judged().loc["midl_table4/3/ilium/hd_mm"]  # printed 0.0000, which cannot be
        assert (row["verdict"], row["ours_value"]) == (Verdict.DIFFERS, 0.0)
        assert "contradicted" in row["reason"]

    def test_arithmetic_speaks_where_no_result_does(self, judged):
        put("published_checks", {"check_id": "A051", "statement": "50 tracked sweeps",
                                 "recomputed": "189", "audit_computed": "189",
                                 "audit_verdict": "inconsistent"})  # fmt: skip
        row = judged().loc["midl_text/M001"]
        assert (row["verdict"], row["ours"], row["origin"]) == ("differs", "189", "arithmetic")
        assert row["reason"] == (
            "contradicted by the document's own numbers: A051: 50 tracked sweeps"
        )

    def test_findings_of_others_are_added_and_the_papers_are_sentences(self, judged):
        row = {"claim": "Flow helps", "mean_a": 1, "mean_b": 2, "difference": -1, "low": -2,
               "high": -0.5, "unit": "mm", "subject_count": 10,
               "verdict": "holds here"}  # fmt: skip
        put(
            "motion_claims",
            row | {"finding": "flow_step", "source": "Paper, section 5.3 (S53b)"},
            row | {"finding": "several", "source": "Guo et al. 2020; thesis, section 2.3.4"},
            row | {"finding": "loss", "source": "Guo et al. 2020"},
        )
        found = judged()
        assert found.loc["midl_statement/S53b", "verdict"] == Verdict.SAME
        assert found.loc["finding/several", "document"] == beside.THESIS
        assert found.loc["finding/loss", "document"] == beside.OTHERS
        assert found.loc["finding/loss", "ours"] == "1 against 2, difference -1 (-2 to -0.5) mm"
        assert "finding/flow_step" not in found.index


class TestHospital:
    def test_nothing_is_simulated_and_nothing_an_input(self, edited, printed):
        put("cohort_published", {"quantity": "infants", "ours": "31"})
        put("frame_scores", frame(0.70), frame(0.72, subject_id="S052"))
        made = Judge("smoke", generator, origin=beside.REAL, resamples=200)
        found = made.table(printed).set_index("claim_id")
        assert set(found["origin"]) == {"", "arithmetic", "real"}
        assert Verdict.INPUT not in set(found["verdict"])
        row = found.loc["midl_text/M022"]
        assert (row["verdict"], row["ours"], row["profile"]) == (Verdict.CLINICAL, "31", "smoke")


def test_long_recomputations_are_cut():
    assert len(beside._cut("x" * 500)) == 160
    assert beside._cut("short") == "short"


def test_followed_claims_exist():
    assert set(FOLLOWED) <= {cell.claim_id for cell in claim_registry.cells()}
