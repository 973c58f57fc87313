"""Verdicts on the paper's sentences: worked by hand, and when nothing may be said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hipus.segmentation import claim_verdicts, claims, further_claims
from hipus.segmentation.claim_verdicts import FAILS, HOLDS, NOT_TESTABLE, UNDECIDED, Finding
from hipus.segmentation.claims import FRAMES, VOLUMES, MeanDice
from hipus.segmentation.volume_scores import FRAME_MODELS, MEAN, MODELS, STRUCTURE_NAMES

ALL = (*STRUCTURE_NAMES, MEAN)
#: Ilium, head, border, cortex of each model: the paper's order with round numbers.
DICE = {
    "2.1": (0.70, 0.60, 0.30, 0.72),
    "2.2": (0.71, 0.40, 0.31, 0.73),
    "2.3": (0.74, 0.66, 0.38, 0.78),
    "3.1": (0.80, 0.78, 0.60, 0.82),
    "3.2": (0.90, 0.92, 0.70, 0.88),
}


def mean_dice(dice=DICE) -> MeanDice:
    """Return one resample."""
    values = np.array(list(dice.values()), float)
    values = np.column_stack([values, values.mean(axis=1)])[None]
    return MeanDice(values, tuple(dice), ALL)


def subjects(dice=DICE, count=8, spread=0.0, seed=0) -> pd.DataFrame:
    """Return subject Dice about given means, equal shifts for all models of a subject."""
    rng = np.random.default_rng(seed)
    rows = [
        {"subject_id": f"S{k}", "model_id": model, "structure": name, "dice": value}
        for k in range(count)
        for model, values in dice.items()
        for name, value in zip(ALL, (*values, np.mean(values)), strict=True)
    ]
    table = pd.DataFrame(rows)
    return table.assign(dice=table.dice + spread * rng.normal(size=len(table)))


def printed(dice=DICE) -> pd.DataFrame:
    """Return Dice as printed tables have them."""
    values = np.array([(*values, np.mean(values)) for values in dice.values()])
    return pd.DataFrame(values, index=list(dice), columns=list(ALL))


def verdicts(frames=DICE, volumes=DICE, **options) -> pd.Series:
    """Return the verdict of each claim on Dice."""
    dice = {FRAMES: subjects(frames, **options), VOLUMES: subjects(volumes, **options)}
    beside = {FRAMES: printed(), VOLUMES: printed()}
    found = claim_verdicts.dice_findings(dice, beside, rng=np.random.default_rng(1), resamples=300)
    table = claim_verdicts.findings_table(found)
    return table.drop_duplicates("claim_id").set_index("claim_id").verdict


def finding(low, high, claim_id="X", part="p", margin=0.0) -> Finding:
    """Return a finding with an interval."""
    middle = (low + high) / 2
    return Finding(
        claim_id, "text", "source", part, "a", "b", VOLUMES, middle, 0.0, low, high, 8,
        "subjects", margin=margin,
    )  # fmt: skip


class TestVerdict:
    @pytest.mark.parametrize(
        ("low", "high", "margin", "expected"),
        [
            (0.01, 0.2, 0.0, HOLDS),
            (-0.2, -0.01, 0.0, FAILS),
            (-0.01, 0.2, 0.0, UNDECIDED),
            (-0.04, 0.02, 0.05, HOLDS),
            (-0.2, -0.06, 0.05, FAILS),
            (-0.06, 0.1, 0.05, UNDECIDED),
            (np.nan, np.nan, 0.0, UNDECIDED),
        ],
    )
    def test_follows_from_interval_and_margin(self, low, high, margin, expected):
        assert finding(low, high, margin=margin).verdict == expected

    @pytest.mark.parametrize(
        ("parts", "expected"),
        [
            ([HOLDS, HOLDS], HOLDS),
            ([HOLDS, UNDECIDED], UNDECIDED),
            ([HOLDS, UNDECIDED, FAILS], FAILS),
            ([NOT_TESTABLE, NOT_TESTABLE], NOT_TESTABLE),
            ([HOLDS, NOT_TESTABLE], UNDECIDED),
            ([FAILS, NOT_TESTABLE], FAILS),
            ([], UNDECIDED),
        ],
    )
    def test_of_a_claim_is_the_worst_of_its_parts(self, parts, expected):
        assert claim_verdicts.verdict_of(parts) == expected

    def test_what_cannot_be_tested_has_none_whatever_its_interval(self):
        assert replace(finding(0.1, 0.2), is_testable=False).verdict == NOT_TESTABLE

    def test_each_claim_has_its_own_and_every_row_says_simulated(self):
        table = claim_verdicts.findings_table(
            [finding(0.1, 0.2), finding(-0.1, 0.2, part="q"), finding(-0.3, -0.1, "Y")]
        )
        assert list(table.part_verdict) == [HOLDS, UNDECIDED, FAILS]
        assert list(table.verdict) == [UNDECIDED, UNDECIDED, FAILS]
        assert list(table.columns) == claim_verdicts.COLUMNS
        assert set(table.data) == {"simulated"}


class TestParts:
    @pytest.mark.parametrize(
        ("part", "a", "b"),
        [
            (claims.better("3.2", "3.1", "femoral_head"), 0.92, 0.78),
            (claims.above("2.1", "femoral_cortex", "ilium"), 0.72, 0.70),
            (claims.bone_above_rest("2.3"), 0.74, 0.66),
            (claims.border_hardest("2.2"), 0.40, 0.31),
            (claims.head_varies_most(), 0.26, 0.08),
            (claims.above_best_2d("3.1"), 0.75, 0.64),
            (claims.most_exceed("3.2", 0.85), 0.88, 0.85),
        ],
    )
    def test_compare_what_they_say(self, part, a, b):
        sides = part.sides(mean_dice())
        assert [float(side[0]) for side in sides] == pytest.approx([a, b])

    def test_frames_are_asked_of_2d_models_and_volumes_of_all(self):
        for claim in claims.CLAIMS:
            for part in claim.parts:
                models = FRAME_MODELS if part.measure == FRAMES else MODELS
                known = {name: DICE[name] for name in models}
                assert all(len(side) == 1 for side in part.sides(mean_dice(known)))

    def test_names_tell_the_parts_of_a_claim_apart(self):
        for claim in claims.CLAIMS:
            assert len({part.name for part in claim.parts}) == len(claim.parts)


class TestClaimsOnDice:
    def test_all_hold_where_the_papers_order_is_made(self):
        found = verdicts(spread=0.002)
        assert set(found) == {HOLDS}
        assert len(found) == len(claims.CLAIMS)

    def test_the_opposite_order_contradicts(self):
        flipped = dict(zip(DICE, reversed(DICE.values()), strict=True))
        found = verdicts(volumes=flipped, spread=0.002)
        assert found[["A1", "C2", "S64d", "S7d", "M085"]].eq(FAILS).all()
        assert found["S62b"] == HOLDS  # frames are as before

    def test_equal_models_decide_nothing(self):
        equal = dict.fromkeys(DICE, DICE["3.1"])
        found = verdicts(volumes=equal, spread=0.02, count=6)
        assert found["C2"] == UNDECIDED

    def test_a_single_subject_decides_nothing(self):
        assert set(verdicts(count=1)) == {UNDECIDED}

    def test_a_subject_without_a_dice_is_left_out_and_not_counted(self, caplog):
        table = subjects(count=4)
        table.loc[(table.subject_id == "S2") & (table.structure == "ilium"), "dice"] = np.nan
        found = claim_verdicts.dice_findings(
            {VOLUMES: table}, {VOLUMES: printed()}, rng=np.random.default_rng(1), resamples=20,
            claims=[claims.CLAIMS[-1]],
        )  # fmt: skip
        assert {one.n for one in found} == {3}
        assert "1 subjects lack a Dice and are left out: ['S2']" in caplog.text

    def test_no_whole_subject_is_an_error(self):
        table = subjects(count=2).assign(dice=np.nan)
        with pytest.raises(ValueError, match="no subject of 2 has a Dice of every structure"):
            claim_verdicts.dice_findings(
                {VOLUMES: table}, {VOLUMES: printed()}, rng=np.random.default_rng(1)
            )

    def test_intervals_are_those_of_resampled_subjects(self):
        table = subjects(count=12, spread=0.05)
        claim = claims.Claim("X", "", "", (claims.better("3.2", "3.1"),))
        (one,) = claim_verdicts.dice_findings(
            {VOLUMES: table}, {VOLUMES: printed()}, rng=np.random.default_rng(1),
            resamples=20_000, claims=[claim],
        )  # fmt: skip
        wide = table[table.structure == MEAN].pivot(
            index="subject_id", columns="model_id", values="dice"
        )
        difference = wide["3.2"] - wide["3.1"]
        assert one.value_a - one.value_b == pytest.approx(difference.mean())
        half = 1.96 * difference.std(ddof=0) / np.sqrt(12)
        assert one.low == pytest.approx(difference.mean() - half, abs=0.15 * half)
        assert one.high == pytest.approx(difference.mean() + half, abs=0.15 * half)
        assert (one.printed_a, one.printed_b) == pytest.approx((0.85, 0.75))


def curve(model, dice) -> pd.DataFrame:
    """Return a learning curve with the same Dice of all structures."""
    columns = {f"dice_{name}": dice for name in STRUCTURE_NAMES}
    return pd.DataFrame({"model_id": model, "epoch": np.arange(len(dice)), **columns})


class TestLearningCurves:
    def test_only_the_last_fifth_counts(self):
        wild = np.r_[np.linspace(0, 0.6, 16), 0.6, 0.8, 0.6, 0.8]
        calm = np.r_[np.linspace(0.6, 0, 16), 0.60, 0.601, 0.60, 0.601]
        (one,) = further_claims.steadier_curves(pd.concat([curve("2.1", wild), curve("2.2", calm)]))
        assert (one.value_a, one.n) == (pytest.approx(np.std([0.6, 0.8] * 2, ddof=1)), 4)
        assert one.value_b == pytest.approx(one.value_a / 200)
        assert one.verdict == HOLDS

    def test_interval_of_two_equal_spreads_is_about_zero(self):
        dice = np.tile([0.5, 0.6], 50)
        (one,) = further_claims.steadier_curves(pd.concat([curve("2.1", dice), curve("2.2", dice)]))
        assert one.low < 0 < one.high
        # 20 epochs: the 97.5 % quantile of F(19, 19) is 2.526.
        assert one.high == pytest.approx(one.value_b * (np.sqrt(2.526) - 1), rel=1e-3)

    @pytest.mark.parametrize(("epochs", "last"), [(8, 2), (3, 1)])
    def test_one_or_two_epochs_decide_nothing(self, epochs, last):
        dice = np.linspace(0, 1, epochs)
        (one,) = further_claims.steadier_curves(
            pd.concat([curve("2.3", dice), curve("2.2", dice / 9)])
        )
        assert (one.n, one.verdict) == (last, UNDECIDED)


class TestRaters:
    def table(self, difference, low, high):
        """Return rows of `segmentation_raters`."""
        rows = [("C and D", 0.8, 0.0, 0.0, 0.0), ("3.2 and truth", 0.9, 0.1, 0.1, 0.1)]
        rows += [(f"3.2 and {name}", 0.8 + difference, difference, low, high) for name in "CD"]
        names = ["pair", "dice_mean", "difference", "low", "high"]
        about = {"cohort": "test", "structure": MEAN, "subject_count": 9}
        return pd.DataFrame(rows, columns=names).assign(**about)

    @pytest.mark.parametrize(
        ("low", "high", "expected"),
        [(-0.04, 0.0, HOLDS), (-0.10, -0.06, FAILS), (-0.08, -0.02, UNDECIDED)],
    )
    def test_a_model_is_comparable_within_a_margin(self, low, high, expected):
        table = self.table((low + high) / 2, low, high)
        found = further_claims.within_raters(table, cohort="test", between="C and D")
        assert [one.part for one in found] == ["3.2 and C", "3.2 and D"]
        assert {one.verdict for one in found} == {expected}
        assert {round(one.value_b, 9) for one in found} == {0.8}

    def test_volumes_are_compared_with_frames_of_one_subject(self):
        volumes = pd.DataFrame({"subject_id": list("aabb"), "dice": [0.8, 0.9, 0.8, 0.9]})
        rng = np.random.default_rng(0)
        (one,) = further_claims.more_consistent(volumes, 0.75, printed=0.76, rng=rng)
        assert one.value_a - one.value_b == pytest.approx(0.1)
        assert (one.n, one.printed_b, one.verdict) == (2, 0.76, HOLDS)
