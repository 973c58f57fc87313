"""Verdicts on others' findings, from rows made up so that the answer is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from hipus.motion import arms, claims, decorrelation, findings
from hipus.motion.claims import EQUAL, LOWER, NOT_LOWER, Claim, Side
from hipus.motion.sweep_rows import MEASURES, TRUTHS
from hipus.published import tables

HOLDS, OPPOSITE, UNCLEAR, NOT_RUN, NOT_LEARNED = findings.VERDICTS


def made_rows(means, *, subjects=8, truth="vs_tracker", measure="final_mm", scatter=0.0):
    """Return rows of arms whose mean errors are given by arm, or by arm and sweep type."""
    noise = np.random.default_rng(4)
    rows = []
    for arm, mean in means.items():
        for subject in range(subjects):
            for side in ("left", "right"):
                for kind in ("p_a", "p_d"):
                    center = mean[kind] if isinstance(mean, dict) else mean
                    # What a subject adds is the same for all arms: pairing removes it.
                    value = center + 0.5 * subject + scatter * noise.normal()
                    rows.append(
                        {
                            "arm": arm,
                            "subject_id": f"S{subject:03d}",
                            "sweep_id": f"{side}_{kind}",
                            "sweep_type": kind,
                            "truth": truth,
                            measure: value,
                        }
                    )
    return pd.DataFrame(rows)


def claim(expected=LOWER, *, a=None, b=None):
    """Return a claim about two arms' drift."""
    a, b = a or Side("one", "final_mm"), b or Side("two", "final_mm")
    return Claim("made_up", "One drifts less than two", "nobody", a, b, expected)


def verdict(rows, *made):
    """Return the rows of verdicts on claims."""
    table = findings.verdicts(
        rows, np.random.default_rng(1), claims=made or (claim(),), resamples=500
    )
    return table.to_dict("records")


class TestVerdictOf:
    @pytest.mark.parametrize(
        ("expected", "low", "high", "verdict"),
        [
            (LOWER, -3.0, -0.1, HOLDS),
            (LOWER, 0.1, 3.0, OPPOSITE),
            (LOWER, -0.1, 0.1, UNCLEAR),
            (NOT_LOWER, -3.0, -0.1, OPPOSITE),
            (NOT_LOWER, -0.3, -0.1, OPPOSITE),
            (NOT_LOWER, 0.1, 3.0, HOLDS),
            (NOT_LOWER, -0.9, 3.0, HOLDS),
            (NOT_LOWER, -1.1, 3.0, UNCLEAR),
            (EQUAL, -0.9, 0.9, HOLDS),
            (EQUAL, 0.2, 0.9, HOLDS),
            (EQUAL, 0.2, 1.1, OPPOSITE),
            (EQUAL, -1.1, -0.2, OPPOSITE),
            (EQUAL, -1.1, 0.9, UNCLEAR),
            (EQUAL, -0.9, 1.1, UNCLEAR),
            *((expected, np.nan, np.nan, UNCLEAR) for expected in (LOWER, NOT_LOWER, EQUAL)),
        ],
    )
    def test_by_hand_with_a_margin_of_one(self, expected, low, high, verdict):
        assert findings.verdict_of(expected, low, high=high, margin=1.0) == verdict

    def test_refuses_another_expectation(self):
        message = "expected must be one of lower, not lower, equal, got 'higher'"
        with pytest.raises(ValueError, match=message):
            findings.verdict_of("higher", -1.0, high=1.0, margin=0.1)


class TestVerdicts:
    def test_a_clear_gain_holds_with_its_numbers(self):
        (row,) = verdict(made_rows({"one": 5.0, "two": 8.0}))
        assert row["verdict"] == HOLDS
        assert row["difference"] == pytest.approx(-3)
        # All subjects differ by the same: the interval is a point.
        assert (row["low"], row["high"]) == pytest.approx((-3, -3))
        # Subjects add 0, 0.5, ... 3.5: 1.75 on average.
        assert (row["mean_a"], row["mean_b"]) == pytest.approx((6.75, 9.75))
        assert row["margin"] == pytest.approx(0.975)
        assert row["subject_count"] == 8
        assert row["unit"] == "mm"

    def test_the_other_way_round_is_the_opposite(self):
        (row,) = verdict(made_rows({"one": 8.0, "two": 5.0}))
        assert row["verdict"] == OPPOSITE

    def test_scatter_that_hides_the_difference_tells_nothing_apart(self):
        (row,) = verdict(made_rows({"one": 5.0, "two": 5.0}, scatter=4.0))
        assert row["low"] < 0 < row["high"]
        assert row["verdict"] == UNCLEAR

    def test_what_subjects_have_in_common_with_themselves_is_paired_away(self):
        rows = made_rows({"one": 5.0, "two": 5.2})
        (row,) = verdict(rows)
        assert rows.groupby("subject_id").final_mm.mean().std() > 1
        assert row["verdict"] == HOLDS

    def test_little_scatter_shows_that_two_arms_are_equal(self):
        rows = made_rows({"one": 5.0, "two": 5.0}, scatter=0.1)
        (row,) = verdict(rows, claim(EQUAL))
        assert row["verdict"] == HOLDS

    def test_much_scatter_is_no_evidence_of_equality(self):
        rows = made_rows({"one": 5.0, "two": 5.0}, scatter=4.0)
        (row,) = verdict(rows, claim(EQUAL))
        assert row["verdict"] == UNCLEAR

    def test_an_improvement_contradicts_that_something_does_not_help(self):
        (row,) = verdict(made_rows({"one": 5.0, "two": 8.0}), claim(NOT_LOWER))
        assert row["verdict"] == OPPOSITE

    @pytest.mark.parametrize("missing", ["one", "two"])
    def test_an_arm_that_was_not_run_is_said_so(self, missing):
        rows = made_rows({"one": 5.0, "two": 8.0})
        (row,) = verdict(rows[rows["arm"] != missing])
        assert row["verdict"] == NOT_RUN
        assert row["subject_count"] == 0
        assert np.isnan([row["difference"], row["low"], row["high"]]).all()

    def test_a_single_subject_tells_nothing_apart(self):
        (row,) = verdict(made_rows({"one": 5.0, "two": 8.0}, subjects=1))
        assert row["difference"] == pytest.approx(-3)
        assert row["verdict"] == UNCLEAR

    def test_claims_keep_their_order_and_their_random_numbers(self):
        rows = made_rows({"one": 5.0, "two": 5.0, "three": 6.0}, scatter=1.0)
        first = dataclasses.replace(claim(), name="first")
        more = claim(a=Side("three", "final_mm"))
        alone, together = verdict(rows, first), verdict(rows, first, more)
        assert [row["finding"] for row in together] == ["first", "made_up"]
        assert together[0] == alone[0]

    def test_says_both_sides_in_words(self):
        other = claim(EQUAL, b=Side("one", "final_mm", "p_d", truth="vs_hip"))
        (row,) = verdict(made_rows({"one": 5.0}), other)
        assert row["a"] == "one: final_mm vs_tracker"
        assert row["b"] == "one: final_mm of p_d vs_hip"
        assert row["expected"] == "a equal to b"


class TestSweepTypesAndTruths:
    def test_types_are_compared_within_each_subject(self):
        rows = made_rows({"one": {"p_a": 4.0, "p_d": 9.0}})
        sides = (Side("one", "final_mm", kind) for kind in ("p_a", "p_d"))
        (row,) = verdict(rows, claim(a=next(sides), b=next(sides)))
        assert row["difference"] == pytest.approx(-5)
        assert (row["low"], row["high"]) == pytest.approx((-5, -5))
        assert row["verdict"] == HOLDS

    def test_subjects_without_both_types_are_left_out(self):
        rows = made_rows({"one": {"p_a": 4.0, "p_d": 9.0}})
        lonely = (rows["subject_id"] == "S000") & (rows["sweep_type"] == "p_d")
        sides = [Side("one", "final_mm", kind) for kind in ("p_a", "p_d")]
        (row,) = verdict(rows[~lonely], claim(a=sides[0], b=sides[1]))
        assert row["subject_count"] == 7
        assert row["difference"] == pytest.approx(-5)

    def test_without_any_subject_of_both_types_nothing_was_run(self):
        rows = made_rows({"one": 4.0}, subjects=2)
        is_first = rows["subject_id"] == "S000"
        rows = rows[is_first == (rows["sweep_type"] == "p_a")]
        sides = [Side("one", "final_mm", kind) for kind in ("p_a", "p_d")]
        (row,) = verdict(rows, claim(a=sides[0], b=sides[1]))
        assert row["verdict"] == NOT_RUN

    def test_an_excess_is_a_difference_of_differences(self):
        lateral = made_rows({"one": {"p_a": 1.0, "p_d": 6.0}}, measure="final_lateral_mm")
        axial = made_rows({"one": {"p_a": 2.0, "p_d": 4.0}}, measure="final_axial_mm")
        rows = lateral.assign(final_axial_mm=axial["final_axial_mm"])
        sides = [
            Side("one", f"final_{axis}_mm", "p_d", minus_type="p_a")
            for axis in ("axial", "lateral")
        ]
        (row,) = verdict(rows, claim(a=sides[0], b=sides[1]))
        assert (row["mean_a"], row["mean_b"]) == pytest.approx((2, 5))
        assert row["difference"] == pytest.approx(-3)
        assert row["a"] == "one: final_axial_mm of p_d minus of p_a vs_tracker"

    def test_truths_are_kept_apart(self):
        rows = pd.concat(
            made_rows({"one": mean}, truth=truth)
            for mean, truth in zip((5.0, 8.0), TRUTHS, strict=True)
        )
        sides = [Side("one", "final_mm", truth=truth) for truth in TRUTHS]
        (row,) = verdict(rows, claim(a=sides[0], b=sides[1]))
        assert row["difference"] == pytest.approx(-3)


class TestRotationThatNobodyLearned:
    """Of made-up arms of 8 subjects, who add 1.75 to each mean."""

    @pytest.mark.parametrize("expected", [LOWER, NOT_LOWER, EQUAL])
    @pytest.mark.parametrize("measure", ["relative_deg", "final_deg"])
    def test_decides_nothing_however_narrow_the_interval(self, expected, measure):
        rows = self.rows(one=20.0, two=20.1, constant=20.2)
        sides = {"a": Side("one", measure), "b": Side("two", measure)}
        (row,) = verdict(rows, claim(expected, **sides))
        assert row["verdict"] == NOT_LEARNED
        assert row["difference"] == pytest.approx(-0.1)

    @pytest.mark.parametrize(
        ("one", "two", "told"),
        [(8.0, 18.0, HOLDS), (18.0, 8.0, OPPOSITE), (17.9, 18.0, NOT_LEARNED),
         (16.1, 16.2, HOLDS), (16.2, 16.3, HOLDS), (16.3, 16.4, NOT_LEARNED),
         (20.1, 20.2, NOT_LEARNED), (20.2, 20.3, HOLDS)],
    )  # fmt: skip
    def test_both_arms_must_be_within_a_tenth_of_a_constant_step(self, one, two, told):
        sides = {name: Side(arm, "relative_deg") for name, arm in (("a", "one"), ("b", "two"))}
        (row,) = verdict(self.rows(one=one, two=two, constant=18.25), claim(**sides))
        assert row["verdict"] == told

    def test_is_not_asked_for_where_the_constant_step_was_not_run(self):
        rows = self.rows(one=20.0, two=20.1, constant=20.2)
        sides = {name: Side(arm, "relative_deg") for name, arm in (("a", "one"), ("b", "two"))}
        (row,) = verdict(rows[rows["arm"] != claims.CONSTANT_STEP], claim(**sides))
        assert row["verdict"] == HOLDS

    def test_does_not_matter_to_drift(self):
        (row,) = verdict(self.rows(one=20.0, two=20.1, constant=20.2), claim())
        assert row["verdict"] == HOLDS

    def test_of_another_truth_does_not_matter(self):
        rows = self.rows(one=20.0, two=20.1, constant=20.2)
        is_constant = rows["arm"] == claims.CONSTANT_STEP
        rows["truth"] = rows["truth"].mask(is_constant, "vs_hip")
        sides = {name: Side(arm, "relative_deg") for name, arm in (("a", "one"), ("b", "two"))}
        (row,) = verdict(rows, claim(**sides))
        assert row["verdict"] == HOLDS

    def rows(self, *, constant, **arms_of):
        means = {**arms_of, claims.CONSTANT_STEP: constant}
        rows = made_rows(means, measure="relative_deg")
        return rows.assign(final_deg=rows["relative_deg"], final_mm=rows["relative_deg"])


class TestBadRows:
    def test_refuses_arms_that_were_tried_on_different_sweeps(self):
        rows = made_rows({"one": 5.0, "two": 8.0})
        message = r"one and two must be of the same sweeps, got S007 right_p_d of one only \(1 such"
        with pytest.raises(ValueError, match=message):
            verdict(rows.iloc[:-1])

    def test_refuses_a_sweep_that_appears_twice(self):
        rows = made_rows({"one": 5.0, "two": 8.0})
        message = "one: final_mm vs_tracker: sweep S000 left_p_a appears twice"
        with pytest.raises(ValueError, match=message):
            verdict(pd.concat([rows, rows.iloc[:1]]))


class TestTheClaims:
    def test_have_unique_names_and_say_who_found_it_where(self):
        names = [one.name for one in claims.CLAIMS]
        assert len(set(names)) == len(names) >= 25
        assert all(one.text and one.source for one in claims.CLAIMS)
        assert len({one.text for one in claims.CLAIMS}) == len(names)

    def test_are_about_arms_that_the_study_has(self):
        named = {side.arm for one in claims.CLAIMS for side in (one.a, one.b)}
        assert named <= set(arms.ARMS) | set(claims.NOT_NETWORKS)
        defaults = {
            field.name: field.default
            for field in dataclasses.fields(decorrelation.DecorrelationStep)
        }
        assert defaults["name"] == claims.DECORRELATION

    def test_are_about_measures_and_truths_that_rows_have(self):
        sides = [side for one in claims.CLAIMS for side in (one.a, one.b)]
        assert {side.measure for side in sides} <= set(MEASURES)
        assert {side.truth for side in sides} <= set(TRUTHS)
        kinds = {side.sweep_type for side in sides} | {side.minus_type for side in sides}
        assert kinds == {"all", "p_a", "p_d", None}

    def test_compare_errors_of_one_unit(self):
        for one in claims.CLAIMS:
            assert one.a.measure.rsplit("_", 1)[-1] == one.b.measure.rsplit("_", 1)[-1]
            assert one.a != one.b

    def test_name_statements_of_the_paper_that_exist(self):
        statements = set(tables.read_csv("midl2026_statements.csv")["statement_id"])
        cited = {
            one.source.split("(")[1].rstrip(")")
            for one in claims.CLAIMS
            if one.source.startswith("Paper")
        }
        assert cited <= statements
        assert cited == {"S53a", "S53b", "S63a", "S63b", "S63c", "S63d", "S7g"}

    def test_every_arm_of_the_thesis_is_part_of_a_claim(self):
        named = {side.arm for one in claims.CLAIMS for side in (one.a, one.b)}
        of_the_thesis = {name for name in arms.ARMS if name.startswith(("dcl_net", "cnn"))}
        assert of_the_thesis <= named

    def test_are_all_answered_whatever_was_run(self):
        rows = made_rows({"published": 5.0, "prevost": 6.0}, scatter=0.1)
        rows = rows.assign(**dict.fromkeys(MEASURES, rows["final_mm"]))
        table = findings.verdicts(rows, np.random.default_rng(2), resamples=200)
        assert list(table["finding"]) == [one.name for one in claims.CLAIMS]
        assert set(table["verdict"]) <= set(findings.VERDICTS)
        by_name = table.set_index("finding")
        assert by_name.loc["several_frames", "verdict"] == NOT_RUN
        assert by_name.loc["p_a_drifts_less", "subject_count"] == 8
