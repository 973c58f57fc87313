"""Agreement with the truth, of raters, of repeated sweeps and of types, worked by hand."""

import made_hip_tables as made
import numpy as np
import pandas as pd
import pytest

from hipus.stages import hip_agreement as agreement

OPTIONS = {"seed": 3, "resamples": 60}
AGES = pd.Series({"A": 30.0, "B": 100.0, "C": 30.0, "D": np.nan})


def alphas(*triples, **more) -> pd.DataFrame:
    """Return test rows of (subject, true alpha, measured alpha)."""
    return made.errors_of(
        *({"subject_id": s, "truth": t, "value": v} | more for s, t, v in triples)
    )


class TestLimits:
    def test_one_pair_per_subject_gives_bland_and_altman_s_limits_of_1986(self):
        differences = np.array([1.0, -2.0, 4.0, 3.0])
        table = made.errors_of(
            *({"subject_id": f"S{k}", "error": d} for k, d in enumerate(differences))
        )
        rows = agreement.agreement_table(table, **OPTIONS)
        found = rows[rows.group == "ordinary"].set_index("quantity")
        sd = differences.std(ddof=1)
        assert found.value.bias == pytest.approx(1.5)
        assert found.value.lower == pytest.approx(1.5 - 1.96 * sd)
        assert found.value.upper == pytest.approx(1.5 + 1.96 * sd)
        assert (found.pair_count == 4).all()
        assert (found.subject_count == 4).all()

    def test_measured_is_compared_with_truth_after_the_offset(self):
        table = made.errors_of(
            *({"subject_id": s, "error": 2.0, "shift": -1.0} for s in ("A", "B"))
        )
        rows = agreement.agreement_table(table, **OPTIONS)
        assert rows[rows.quantity == "bias"].value.tolist() == [2.0, 2.0]

    def test_one_subject_other_measures_and_refused_ones_have_no_row(self):
        table = made.errors_of(
            {"subject_id": "A"}, {"subject_id": "B", "value": np.nan},
            {"subject_id": "A", "measure": "head_radius_mm"},
            {"subject_id": "B", "measure": "head_radius_mm"},
        )  # fmt: skip
        assert agreement.agreement_table(table, **OPTIONS).empty


def rated(values: np.ndarray, rater: str, names, **more) -> pd.DataFrame:
    """Return values (targets, raters) of one hip per subject as rows."""
    rows = [
        {"subject_id": f"S{k}", rater: name, "value": value} | more
        for k, row in enumerate(values)
        for name, value in zip(names, row, strict=True)
    ]
    return made.errors_of(*rows)


def icc_by_hand(values: np.ndarray) -> float:
    """Return ICC(2,1) by the formula of Shrout and Fleiss 1979."""
    n, k = values.shape
    rows = k * values.mean(axis=1).var(ddof=1)
    columns = n * values.mean(axis=0).var(ddof=1)
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    return (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)


class TestIcc:
    VALUES = np.array([[60.0, 62.0], [55.0, 58.0], [66.0, 66.5], [71.0, 70.0]])

    def test_both_types_of_sweep_rate_the_same_hips(self):
        table = rated(self.VALUES, "sweep_type", ("p_a", "p_d"))
        found = agreement.icc_table(table)
        row = found[(found.group == "ordinary") & (found.raters == "sweep_type")].iloc[0]
        assert row.icc == pytest.approx(icc_by_hand(self.VALUES))
        assert row.target_sd == pytest.approx(self.VALUES.mean(axis=1).std(ddof=1))
        assert (row.target_count, row.rater_count) == (4, 2)
        assert row.low < row.icc < row.high

    def test_kinds_of_masks_rate_within_a_type_of_sweep(self):
        values = np.column_stack([self.VALUES, self.VALUES[:, 0] + 1.0])
        found = agreement.icc_table(rated(values, "masks", ("truth", "rater", "model")))
        row = found[(found.group == "all") & (found.raters == "masks, p_a")].iloc[0]
        assert (row.masks, row.rater_count) == ("all", 3)
        assert row.icc == pytest.approx(icc_by_hand(values))

    def test_a_hip_that_one_of_both_refused_is_no_target(self):
        values = np.vstack([self.VALUES, [[50.0, np.nan]]])
        found = agreement.icc_table(rated(values, "sweep_type", ("p_a", "p_d")))
        assert set(found.target_count) == {4}

    @pytest.mark.parametrize("kept", [(slice(0, 2), slice(0, 2)), (slice(0, 4), slice(0, 1))])
    def test_too_few_targets_or_raters_have_no_row(self, kept):
        names = ("p_a", "p_d")[kept[1]]
        assert agreement.icc_table(rated(self.VALUES[kept], "sweep_type", names)).empty

    def test_the_best_frame_is_no_rater_of_volumes(self):
        table = rated(self.VALUES, "masks", ("truth", "model"), poses="best_frame")
        assert agreement.icc_table(table).empty


#: By hip, operator and repeat; operators of one hip are not those of the other.
REPEATED = np.array([[[60.0, 61.0], [63.0, 62.0]], [[50.0, 52.0], [49.0, 51.0]]])
OPERATORS = {"S501": ("O12", "O13"), "S502": ("O11", "O13")}


def repeated(values: np.ndarray = REPEATED, **more) -> pd.DataFrame:
    """Return rows of sweeps repeated by two operators of each of two infants."""
    rows = [
        made.swept(subject, f"left_p_a_{who}_{again + 1}", operator_id=who, truth=55.0,
                   value=values[k, j, again], cohort="repeats", truth_variant="repeat") | more
        for k, (subject, operators) in enumerate(OPERATORS.items())
        for j, who in enumerate(operators)
        for again in range(2)
    ]  # fmt: skip
    return made.errors_of(*rows)


class TestRepeats:
    def test_operators_are_numbered_within_each_infant_and_repeats_by_the_sweep_s_name(self):
        found = agreement._repeated(repeated()).set_index(["subject_id", "sweep_id"])
        assert found.operator.to_dict() == {
            ("S501", "left_p_a_O12_1"): 1, ("S501", "left_p_a_O12_2"): 1,
            ("S501", "left_p_a_O13_1"): 2, ("S501", "left_p_a_O13_2"): 2,
            ("S502", "left_p_a_O11_1"): 1, ("S502", "left_p_a_O11_2"): 1,
            ("S502", "left_p_a_O13_1"): 2, ("S502", "left_p_a_O13_2"): 2,
        }  # fmt: skip
        assert found["repeat"].tolist() == [1, 2] * 4

    def test_the_scatter_of_repeats_is_pooled_over_hips_and_operators(self):
        (row,) = agreement.repeatability_table(repeated()).itertuples()
        differences = np.diff(REPEATED, axis=2).ravel()
        within = np.sqrt((differences**2).mean() / 2)
        assert row.within_sd == pytest.approx(within)
        assert row.coefficient == pytest.approx(1.96 * np.sqrt(2) * within)
        assert (row.item_count, row.value_count) == (4, 8)

    def test_operators_are_nested_in_hips_and_their_numbers_tell_nothing(self):
        within2 = (np.diff(REPEATED, axis=2) ** 2).sum() / 2 / 4
        scatter = REPEATED.mean(axis=2).var(axis=1, ddof=1).mean()
        renumbered = REPEATED.copy()
        renumbered[1] = renumbered[1, ::-1]
        for values in (REPEATED, renumbered):
            (row,) = agreement.repeatability_table(repeated(values)).itertuples()
            assert row.operator_sd == pytest.approx(np.sqrt(scatter - within2 / 2))
            assert row.reproducibility_sd == pytest.approx(np.sqrt(scatter + within2 / 2))

    def test_operators_who_agree_better_than_their_own_repeats_add_nothing(self):
        alike = np.array([[[60.0, 64.0], [61.0, 63.0]], [[50.0, 54.0], [52.0, 52.0]]])
        (row,) = agreement.repeatability_table(repeated(alike)).itertuples()
        assert row.operator_sd == 0.0
        assert row.reproducibility_sd == row.within_sd

    def test_components_of_many_operators_are_recovered(self):
        rng, rows = np.random.default_rng(12), []
        for k in range(400):
            for who in ("O1", "O2"):
                off = 50 + rng.normal(0, 2.0)
                rows += [made.swept(f"H{k}", f"left_p_a_{who}_{again}", operator_id=who,
                                    value=off + rng.normal(0, 1.0), cohort="repeats",
                                    truth_variant="repeat") for again in (1, 2)]  # fmt: skip
        (row,) = agreement.repeatability_table(made.errors_of(*rows)).itertuples()
        assert row.within_sd == pytest.approx(1.0, abs=0.08)
        assert row.operator_sd == pytest.approx(2.0, abs=0.2)

    def test_a_refused_or_an_unusable_sweep_leaves_operators_unknown(self):
        refused = REPEATED.copy()
        refused[0, 0, 0] = np.nan
        for table in (repeated(refused), repeated().iloc[1:]):
            (row,) = agreement.repeatability_table(table).itertuples()
            assert (row.item_count, row.value_count) in {(3, 6), (4, 7)}
            assert row.within_sd > 0
            assert np.isnan([row.operator_sd, row.reproducibility_sd]).all()

    def test_sweeps_that_nobody_repeated_have_no_row(self):
        assert agreement.repeatability_table(repeated().iloc[::2]).empty

    def test_operators_rate_hips_by_their_first_sweeps(self):
        table = pd.concat([repeated(), repeated(REPEATED + 9).assign(side="right"),
                           repeated(REPEATED - 7).assign(sweep_type="p_d")])  # fmt: skip
        found = agreement.icc_table(table)
        (row,) = found[found.raters == "operator"].itertuples()
        first = np.vstack([REPEATED[:, :, 0] + away for away in (0, 9, -7)])
        assert (row.group, row.target_count, row.rater_count) == ("repeats", 6, 2)
        assert row.icc == pytest.approx(icc_by_hand(first))


class TestTypes:
    @pytest.mark.parametrize(
        ("alpha", "age", "expected"),
        [
            (65.0, 30.0, "I"), (60.0, 30.0, "I"), (59.9, 30.0, "II"), (55.0, 100.0, "II"),
            (52.0, 60.0, "II"), (55.0, np.nan, "II"), (49.9, 30.0, "IIc/D"), (43.0, 30.0, "IIc/D"),
            (42.9, 30.0, "III/IV"), (np.nan, 30.0, None),
        ],
    )  # fmt: skip
    def test_alpha_alone_tells_the_type(self, alpha, age, expected):
        assert agreement.type_of(alpha, age) == expected
        assert expected is None or expected in agreement.TYPES

    def test_who_is_taken_for_whom_and_who_is_refused(self):
        table = alphas(("A", 65, 66), ("B", 55, 61), ("C", 48, 47), ("D", 62, np.nan))
        types, confusion = agreement.type_tables(table, AGES, **OPTIONS)
        counts = confusion[confusion.group == "ordinary"]
        counts = counts.set_index(["true_type", "measured_type"])["count"]
        assert counts[counts > 0].to_dict() == {
            ("I", "I"): 1, ("II", "I"): 1, ("IIc/D", "IIc/D"): 1, ("I", "refused"): 1,
        }  # fmt: skip
        assert len(counts) == (len(agreement.TYPES) + 1) ** 2
        row = types[types.group == "ordinary"].set_index("measure")
        assert row.value.percent_agreement_of_all == 50.0
        assert row.value.percent_agreement == pytest.approx(200 / 3)
        assert row.cases.percent_agreement_of_all == 4
        assert row.cases.percent_agreement == 3
        assert (row.refused == 1).all()

    def test_where_all_are_refused_agreement_is_of_nobody(self):
        types, confusion = agreement.type_tables(alphas(("A", 65, np.nan)), AGES, **OPTIONS)
        assert types.value.tolist() == [0.0, 0.0]
        assert confusion.groupby("group")["count"].sum().tolist() == [1, 1]


class TestRoc:
    def test_counts_at_60_deg_and_the_area_by_hand(self):
        table = alphas(
            ("A", 55, 58), ("B", 52, 63), ("C", 70, 68), ("D", 66, 59), ("A", 64, np.nan)
        )
        rows, curves = agreement.roc_tables(table, **OPTIONS)
        row = rows[rows.group == "ordinary"].iloc[0]
        # Of the four pairs 58 < 68, 58 < 59 and 63 < 68 are ordered, 63 < 59 is not.
        assert row.auc == 0.75
        assert (row.true_positives, row.false_negatives) == (1, 1)
        assert (row.true_negatives, row.false_positives) == (1, 1)
        assert (row.sensitivity, row.specificity) == (0.5, 0.5)
        assert (row.refused_count, row.subject_count) == (1, 4)
        assert row.alpha_sd_deg == pytest.approx(np.std([55, 52, 70, 66], ddof=1))
        curve = curves[curves.group == "ordinary"]
        assert curve.step.tolist() == list(range(len(curve)))
        ends = curve[["sensitivity", "specificity"]].iloc[[0, -1]]
        assert ends.to_numpy().tolist() == [[0, 1], [1, 0]]

    def test_hips_of_one_class_have_no_area_and_no_curve(self):
        rows, curves = agreement.roc_tables(alphas(("A", 65, 58), ("B", 70, 71)), **OPTIONS)
        row = rows[rows.group == "all"].iloc[0]
        assert np.isnan([row.auc, row.sensitivity]).all()
        assert row.specificity == 0.5
        assert curves.empty

    def test_where_all_are_refused_there_is_no_row(self):
        rows, _ = agreement.roc_tables(alphas(("A", 65, np.nan)), **OPTIONS)
        assert rows.empty


def test_nothing_measured_gives_empty_tables_with_their_columns():
    nothing = made.errors_of({}).iloc[:0]
    types, confusion = agreement.type_tables(nothing, AGES, **OPTIONS)
    rocs, curves = agreement.roc_tables(nothing, **OPTIONS)
    found = {
        "AGREEMENT": agreement.agreement_table(nothing, **OPTIONS),
        "ICC": agreement.icc_table(nothing),
        "REPEAT": agreement.repeatability_table(nothing),
        "TYPE": types, "CONFUSION": confusion, "ROC": rocs, "CURVE": curves,
    }  # fmt: skip
    for name, table in found.items():
        assert list(table) == getattr(agreement, f"{name}_COLUMNS"), name
        assert table.empty
