"""Confusion of types with refusals: hand-worked, and the kappas of `rating_agreement`."""

import numpy as np
import pandas as pd
import pytest

from hipus.rating_agreement import compare_ratings
from hipus.type_agreement import REFUSED, compare_types

TYPES = ("I", "II", "III", "IV")
TRUE = ["I", "I", "II", "II", "III", "IV"]
FOUND = ["I", "II", "II", None, "III", np.nan]


def compare(first, second, rng, *, subjects=None, **options):
    """Compare lists of types, case by case; each case is a subject's unless told."""
    cases = [f"hip{number}" for number in range(len(first))]
    owner = dict(zip(cases, subjects or cases, strict=True))
    given = (dict(zip(cases, side, strict=True)) for side in (first, second))
    return compare_types(*given, **{"subjects": owner, "types": TYPES, "rng": rng} | options)


class TestConfusion:
    def test_refusals_are_the_last_row_and_column(self, rng):
        found = compare(TRUE, FOUND, rng)
        names = [*TYPES, REFUSED]
        expected = pd.DataFrame(0, index=names, columns=names)
        for row, column in (("I", "I"), ("I", "II"), ("II", "II"), ("III", "III")):
            expected.loc[row, column] = 1
        expected.loc["II", REFUSED] = expected.loc["IV", REFUSED] = 1
        pd.testing.assert_frame_equal(found.confusion, expected)
        assert (found.refused_by_first, found.refused_by_second) == (0, 2)
        assert (found.case_count, found.typed_count) == (6, 4)

    @pytest.mark.parametrize("refusal", [None, np.nan, "", REFUSED])
    def test_every_way_of_giving_no_type_is_a_refusal(self, rng, refusal):
        found = compare(["I", "II"], ["I", refusal], rng)
        assert found.confusion.loc["II", REFUSED] == 1

    def test_swapping_the_sides_turns_the_table(self, rng):
        there, back = compare(TRUE, FOUND, rng), compare(FOUND, TRUE, rng)
        np.testing.assert_array_equal(there.confusion, back.confusion.T)
        assert back.refused_by_first == there.refused_by_second


class TestAgreement:
    def test_a_refusal_is_no_success(self, rng):
        found = compare(TRUE, FOUND, rng)
        assert found.of_all.value == pytest.approx(100 * 3 / 6)
        assert found.typed.measures[0].value == 75.0

    def test_two_refusals_agree_on_nothing(self, rng):
        assert compare(["I", None], ["I", None], rng).of_all.value == 50.0

    def test_kappas_are_those_of_the_cases_typed_by_both(self):
        found = compare(TRUE, FOUND, np.random.default_rng(3), resamples=500)
        rng = np.random.default_rng(3)
        rng.multinomial(6, np.full(6, 1 / 6), size=500)  # the draws for all cases come first
        typed = [number for number, name in enumerate(FOUND) if isinstance(name, str)]
        peer = compare_ratings(
            {number: TRUE[number] for number in typed},
            {number: FOUND[number] for number in typed},
            subjects={number: number for number in typed},
            grades=TYPES,
            rng=rng,
            resamples=500,
        )
        assert found.typed.table().equals(peer.table())
        linear = next(one for one in found.typed.measures if one.measure == "kappa_linear")
        assert linear.value == pytest.approx(1 - (1 / 4) / (7 / 8))  # distances found, by chance

    def test_intervals_draw_subjects(self, rng):
        """Each subject has one hit and one miss: whoever is drawn, half agree."""
        found = compare(["I"] * 6, ["I", None] * 3, rng, subjects=list("aabbcc"))
        assert (found.of_all.low, found.of_all.high) == (50.0, 50.0)

    def test_nothing_typed_by_both_leaves_counts_only(self, rng):
        found = compare(["I", None], [None, "II"], rng)
        assert found.typed is None
        assert found.of_all.value == 0.0
        assert list(found.table()["measure"]) == ["percent_agreement_of_all"]

    def test_the_table_begins_with_all_cases(self, rng):
        table = compare(TRUE, FOUND, rng).table()
        assert list(table["measure"]) == [
            *("percent_agreement_of_all", "percent_agreement"),
            *("kappa_unweighted", "kappa_linear", "kappa_quadratic"),
        ]
        assert list(table["cases"]) == [6, 4, 4, 4, 4]
        assert set(table["refused_by_second"]) == {2}


class TestRefusals:
    @pytest.mark.parametrize(
        ("second", "options", "message"),
        [
            (["I", "V"], {}, r"types must be of \['I', 'II', 'III', 'IV'\], got 'V'"),
            (["I", "II"], {"types": ("I", "II", REFUSED)}, "types must differ from each other and"),
            (["I", "II"], {"types": ("I", "II", "I")}, "types must differ from each other and"),
            (["I", "II"], {"subjects": {"hip0": "a"}}, "subject of every case, got none of hip1"),
            (["I", "II"], {"level": 1.5}, "level must be between 0 and 1"),
        ],
    )
    def test_what_cannot_be_compared_is_named(self, rng, second, options, message):
        cases = ("hip0", "hip1")
        given = {"subjects": dict.fromkeys(cases, "a"), "types": TYPES, "rng": rng} | options
        with pytest.raises(ValueError, match=message):
            compare_types(
                dict(zip(cases, ["I", "I"], strict=True)),
                dict(zip(cases, second, strict=True)),
                **given,
            )

    @pytest.mark.parametrize(("first", "second"), [({"a": "I"}, {"a": "I", "b": "I"}), ({}, {})])
    def test_other_cases_or_none_are_no_pairs(self, rng, first, second):
        with pytest.raises(ValueError, match=f"got {len(first)} and {len(second)}; only one has"):
            compare_types(first, second, subjects={"a": 1, "b": 2}, types=TYPES, rng=rng)
