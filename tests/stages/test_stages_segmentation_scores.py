"""Stage `segmentation_scores` on made masks of known Dice."""

from types import SimpleNamespace

import made_segmentation_results as made
import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import parallel, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.published import tables as published
from hipus.segmentation.grading import FAILURES
from hipus.segmentation.streaks import streaks
from hipus.segmentation.volume_scores import FRAME_MODELS, MEAN, MODELS, STRUCTURE_NAMES, TEXT
from hipus.stages import (
    grade_rules,
    graded_cases,
    segmentation_goals,
    segmentation_printed,
    segmentation_scores,
    study_raters,
    volume_labels,
)
from hipus.stages.segmentation_scores import STAGE, prediction_file, reference_file

STUDY = SimpleNamespace(
    profile="smoke",
    common=SimpleNamespace(seed=5),
    segmentation_scores=SimpleNamespace(resamples=100),
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Run the stage once; return the inputs that it names."""
    folder = make_study_folder(tmp_path_factory.mktemp("scores"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        made.write_results()
        yield list(segmentation_scores.main(STUDY))


@pytest.fixture
def table(inputs):
    """Return a function that reads a table of the stage."""
    return lambda name: tables.read(paths.table_file("smoke", name), dtype=TEXT)


def dice_of(missed: float) -> float:
    """Return the Dice of a mask that misses a share of its reference."""
    return 2 * (1 - missed) / (2 - missed)


class TestCases:
    def test_every_test_volume_is_judged_by_every_model_and_no_other(self, table):
        rows = table("segmentation_cases")
        counts = rows.groupby(["reference", "cohort", "model_id"]).size() / len(STRUCTURE_NAMES)
        for model in MODELS:
            assert counts["insonified_truth", "study", model] == 4
            assert counts["corrected_label", "test", model] == 10
            assert counts["drawn_label", "study", model] == 2
        assert counts["second_label", "test", "3.2"] == 10
        assert set(rows[rows.reference == "second_label"].model_id) == {"3.2"}
        assert "S001" not in set(rows.subject_id)

    def test_dice_by_truth_is_what_was_made(self, table):
        rows = table("segmentation_cases").query("reference == 'insonified_truth'")
        found = rows[rows.structure == "femoral_head"].groupby("model_id").dice.mean()
        for model, share in made.MISSED.items():
            assert found[model] == pytest.approx(dice_of(share), abs=0.01)
        missed = rows[(rows.model_id == "3.2") & (rows.structure == "femoral_head")]
        assert set(missed.volume_error_percent.round(6)) == {-5.0}

    def test_every_file_that_was_read_is_named(self, inputs):
        assert all(path.is_file() for path in inputs)
        names = {str(path.relative_to(paths.results_dir("smoke"))) for path in inputs}
        assert "model_masks/2.1/S101_left_p_a.mha" in names
        assert "first_round_masks/S101_left_p_a.mha" in names
        assert "annotations/volumes_first/S049_left_p_d.mha" in names
        assert "tables/network_inputs_32.csv" in names

    def test_summaries_count_all_and_say_median_and_mean(self, table):
        rows = table("segmentation_summary").set_index(
            ["reference", "cohort", "model_id", "structure", "measure"]
        )
        cases = table("segmentation_cases")
        cases = cases[(cases.reference == "insonified_truth") & (cases.model_id == "2.2")]
        part = cases[(cases.cohort == "test") & (cases.structure == "ilium")].hd_mm
        row = rows.loc[("insonified_truth", "test", "2.2", "ilium", "hd_mm")]
        assert row["median"] == pytest.approx(part.median())
        assert row.mean_finite == pytest.approx(part.mean())
        assert row.sd_finite == pytest.approx(part.std(ddof=0))
        assert (row["count"], row.finite_count, row.infinite_count) == (10, 10, 0)
        means = cases[cases.cohort == "test"].groupby(["subject_id", "sweep_id"]).hd_mm.mean()
        row = rows.loc[("insonified_truth", "test", "2.2", MEAN, "hd_mm")]
        assert row.mean_finite == pytest.approx(means.mean())


class TestPrintedTables:
    def test_table_1_judges_2d_models_by_labelled_frames(self, table):
        rows = table("segmentation_table1").set_index(["model_id", "structure"])
        row = rows.loc[("2.1", "femoral_cortex")]
        assert (row.printed_dice, row.printed_spread, row.unit) == (0.693, 0.338, "frame")
        frames = tables.read(paths.table_file("smoke", "frame_scores"), dtype=TEXT)
        own = frames[(frames.model_id == "2.1") & (frames.structure == "femoral_cortex")]
        drawn = own[own.subject_id == made.DRAWN_SUBJECT]
        assert row.label_dice_mean == pytest.approx(drawn.dice_label.mean())
        assert row.label_dice_sd == pytest.approx(drawn.dice_label.std(ddof=0))
        assert row.label_case_count == 2 * len(made.LABELLED)
        assert row.truth_dice_mean == pytest.approx(drawn.dice_truth.mean())
        test = own[own.cohort == "test"]
        assert row.test_only_dice_mean == pytest.approx(test.dice_truth.mean())
        assert row.test_only_case_count == len(test) == 40

    def test_table_1_judges_3d_models_by_volumes_of_their_round(self, table):
        rows = table("segmentation_table1").set_index(["model_id", "structure"])
        cases = table("segmentation_cases")
        for model, reference, count in (("3.1", "drawn_label", 2), ("3.2", "corrected_label", 4)):
            own = cases[(cases.model_id == model) & (cases.structure == "ilium")]
            label = own[(own.reference == reference) & (own.cohort == "study")]
            row = rows.loc[(model, "ilium")]
            assert (row.unit, row.label_case_count, row.truth_case_count) == (
                "volume",
                count,
                count,
            )
            assert row.label_dice_mean == pytest.approx(label.dice.mean())
            truth = own[own.reference == "insonified_truth"].merge(label[SWEEP_KEY])
            assert row.truth_dice_mean == pytest.approx(truth.dice.mean())

    def test_means_over_structures_stand_beside_those_of_the_text(self, table):
        rows = table("segmentation_table1").set_index(["model_id", "structure"])
        for model, printed in (("2.1", 0.631), ("3.2", 0.824)):
            row = rows.loc[(model, MEAN)]
            assert row.printed_dice == printed
            own = rows.loc[model].loc[list(STRUCTURE_NAMES)]
            assert row.label_dice_mean == pytest.approx(own.label_dice_mean.mean())

    def test_a_labelled_frame_without_a_score_is_an_error(self, inputs, table):
        frames = tables.read(paths.table_file("smoke", "frame_scores"), dtype=TEXT)
        labelled = made.frame_labels(made.cases()).query("split == 'test'")
        frames = frames[~((frames.sweep_id == "left_p_d") & (frames.frame_index == 7))]
        with pytest.raises(ValueError, match="1 of 8 labelled test frames.*S049/left_p_d frame 7"):
            segmentation_printed.table1(table("segmentation_cases"), frames, labelled)

    def test_a_structure_that_is_nowhere_is_counted_as_missing(self):
        scores = pd.DataFrame(
            {
                "subject_id": ["S1"] * 4, "sweep_id": ["a", "a", "b", "b"],
                "structure": ["ilium", "femoral_head"] * 2, "dice": [0.8, np.nan, 0.6, 0.5],
            }
        )  # fmt: skip
        found = segmentation_printed.dice_rows(scores)
        assert found.dice_mean.to_dict() == pytest.approx(
            {"ilium": 0.7, "femoral_head": 0.5, "chondro_osseous_border": np.nan}
            | {"femoral_cortex": np.nan, MEAN: 0.6},
            nan_ok=True,
        )
        assert found.missing_count["femoral_head"] == 1
        assert found.case_count["femoral_cortex"] == 0
        assert found.dice_sd[MEAN] == pytest.approx(np.std([0.8, 0.55]))

    def test_table_3_has_both_hausdorff_distances_beside_the_printed_one(self, table):
        rows = table("segmentation_table3").set_index(["sweep_type", "structure", "measure"])
        cases = table("segmentation_cases")
        cases = cases[(cases.model_id == "3.2") & (cases.structure == "femoral_cortex")]
        for measure in ("hd_mm", "hd95_mm"):
            row = rows.loc[("p_d", "femoral_cortex", measure)]
            assert (row.printed, row.printed_measure) == (0.248, "hd_mm")
            own = cases[(cases.sweep_type == "p_d") & (cases.cohort == "study")]
            label = own[own.reference == "corrected_label"]
            assert row.label_mean == pytest.approx(label[measure].mean())
            assert (row.case_count, row.test_only_case_count) == (2, 5)
        assert rows.loc[("p_a", "ilium", "dice")].printed == 0.866

    def test_table_4_puts_cases_of_one_direction_side_by_side(self, table):
        rows = tables.read(paths.table_file("smoke", "segmentation_table4"), dtype={"place": str})
        rows = rows[(rows.structure == "chondro_osseous_border") & (rows.measure == "hd95_mm")]
        p_d = rows[rows.sweep_type == "p_d"].set_index("place")
        assert list(p_d.printed_case.dropna()) == [1, 4, 6, 7]
        assert list(p_d.printed[:4]) == [0.8953, 2.2621, 1.7732, 1.0238]
        assert list(p_d.subject_id.dropna()) == ["S049", "S050"]
        assert p_d.printed["mean"] == pytest.approx(np.mean([0.8953, 2.2621, 1.7732, 1.0238]))
        assert p_d.label["mean"] == pytest.approx(p_d.label[["1", "2"]].mean())

    def test_table_5_has_all_models_of_both_cohorts_by_both_judges(self, table):
        rows = table("segmentation_table5").set_index(
            ["cohort", "reference", "model_id", "structure"]
        )
        assert len(rows) == 2 * 2 * 5 * 5
        row = rows.loc[("test", "insonified_truth", "2.3", MEAN)]
        assert (row.printed_dice, row.printed_spread) == (0.507, 0.108)
        assert row.dice_mean == pytest.approx(dice_of(made.MISSED["2.3"]), abs=0.01)


class TestStatistics:
    def test_three_comparisons_are_confirmatory_and_the_rest_exploratory(self, table):
        rows = table("segmentation_comparisons").astype({"model_a": str, "model_b": str})
        own = rows[rows.family == "confirmatory"]
        assert set(zip(own.model_a, own.model_b, strict=True)) == {
            ("3.2", model) for model in FRAME_MODELS
        }
        assert set(own.structure) == {MEAN}
        # Five subjects, all in one direction: the least p there is, three times it after Holm.
        assert list(own.p) == pytest.approx([2 / 2**5] * 3)
        assert list(own.p_holm) == pytest.approx([6 / 2**5] * 3)
        assert (own.n.eq(5) & own.left_out_count.eq(0) & own.rank_biserial.eq(1)).all()
        rest = rows[rows.family == "exploratory"]
        assert len(rest) == 4 + 4 * 7
        expected = dice_of(made.MISSED["3.2"]) - dice_of(made.MISSED["2.1"])
        assert own.mean_difference.max() == pytest.approx(expected, abs=0.01)

    def test_friedman_and_nemenyi_rank_as_made(self, table):
        rows = table("segmentation_friedman").set_index("structure")
        assert rows.kendalls_w[MEAN] == pytest.approx(1)
        ranks = table("segmentation_nemenyi").astype({"model_a": str, "model_b": str})
        one = ranks[(ranks.structure == MEAN) & (ranks.model_a == "2.1") & (ranks.model_b == "3.2")]
        assert one.mean_rank_difference.item() == -4

    def test_a_subject_that_lacks_a_structure_is_left_out_of_it_for_all_models(self, caplog):
        rows = [
            (
                f"S{k}",
                model,
                name,
                0.5 + 0.01 * k + 0.1 * float(model) + 0.02 * k * (model == "3.1"),
            )
            for k in range(4)
            for model in MODELS
            for name in (*STRUCTURE_NAMES, MEAN)
        ]
        dice = pd.DataFrame(rows, columns=["subject_id", "model_id", "structure", "dice"])
        gone = (dice.subject_id == "S1") & (dice.model_id == "2.2") & (dice.structure == "ilium")
        dice.loc[gone, "dice"] = np.nan
        found = segmentation_scores.segmentation_statistics.comparisons(
            dice, seed=1, resamples=10
        ).set_index(["structure", "model_a", "model_b"])
        row = found.loc[("ilium", "3.2", "3.1")]
        assert (row.n, row.left_out_count) == (3, 1)
        assert found.n[MEAN, "3.2", "2.2"] == 4
        assert "ilium: 1 of 4 subjects have no Dice of every model" in caplog.text
        dice.loc[dice.structure == "femoral_head", "dice"] = np.nan
        ranks = segmentation_scores.segmentation_statistics.friedman(dice)
        assert list(ranks.structure) == [
            MEAN, *(name for name in STRUCTURE_NAMES if name != "femoral_head")
        ]  # fmt: skip
        assert "['femoral_head'] are not tested: fewer than 2 subjects" in caplog.text

    def test_bias_is_the_difference_of_both_judges_on_the_same_volumes(self, table):
        rows = table("segmentation_bias").set_index(
            ["reference", "cohort", "model_id", "structure"]
        )
        cases = table("segmentation_cases")
        cases = cases[(cases.model_id == "3.1") & (cases.structure == "ilium")]
        wide = cases.pivot(index=SWEEP_KEY, columns="reference", values="dice")
        row = rows.loc[("drawn_label", "study", "3.1", "ilium")]
        both = wide.dropna(subset=["drawn_label"])
        assert row.difference == pytest.approx((both.drawn_label - both.insonified_truth).mean())
        assert (row.volume_count, row.subject_count) == (2, 1)
        assert np.isnan(row.low)
        assert ("drawn_label", "test", "3.1", "ilium") not in rows.index
        row = rows.loc[("corrected_label", "test", "3.1", MEAN)]
        assert row.difference == pytest.approx(row.dice_by_label - row.dice_by_truth)
        assert row.low <= row.difference <= row.high

    def test_raters_are_compared_with_each_other_with_truth_and_with_the_model(self, table):
        rows = table("segmentation_raters").set_index(["cohort", "structure", "pair"])
        part = rows.loc[("test", MEAN)]
        assert list(part.index) == ["3.2 and C", "3.2 and D", "3.2 and truth"] + [
            "C and D", "C and truth", "D and truth",
        ]  # fmt: skip
        assert part.dice_mean["C and D"] == pytest.approx(0.88)
        assert part.difference["D and truth"] == pytest.approx(0.93 - 0.88)
        assert part.difference["C and D"] == 0
        assert set(part.volume_count) == {10}


class TestStreaks:
    def test_every_model_and_the_truth_are_asked_the_same(self, table):
        rows = table("segmentation_streaks")
        names = {"insonified_truth", *MODELS}
        assert rows.groupby("model_id").size().to_dict() == dict.fromkeys(names, 14 * 4)
        path = reference_file(paths.results_dir("smoke"), "insonified_truth", rows.iloc[0])
        mask = read_mask(path)
        (one,) = streaks(mask.array, mask.spacing_zyx_mm, structures=[2])
        true = rows[(rows.model_id == "insonified_truth") & (rows.structure == "femoral_head")]
        assert true.slice_dice.iloc[0] == pytest.approx(one.slice_dice)
        assert true.roughness_elevational_mm.iloc[0] == pytest.approx(one.roughness_elevational_mm)

    def test_rubbed_masks_are_rougher_and_agree_less_from_slice_to_slice(self, table):
        means = table("segmentation_streaks").groupby("model_id")
        agree, rough = (means[name].mean() for name in ("slice_dice", "roughness_elevational_mm"))
        assert agree["insonified_truth"] > agree["3.2"] > agree["2.2"]
        assert rough["insonified_truth"] < rough["3.2"] < rough["2.2"]


class TestClaims:
    def test_each_sentence_has_a_verdict_with_its_n(self, table):
        rows = table("segmentation_claims")
        verdicts = rows.drop_duplicates("claim_id").set_index("claim_id").verdict
        assert set(verdicts.index) == {
            *("S62a", "S62b", "S62b, order", "S62c", "S62d", "S522b, S7c", "S64d", "S7d", "M085"),
            *("C2", "S7b", "S7a", "Z131", "Z106", "Z106, labels", "Z69", "A1", "S3b", "S64a"),
            *("S64b", "S64c", "S64e", "S521a", "S521b", "S522a", "C1"),
        }
        assert set(rows[rows.n == 0].claim_id) == {"S522a", "C1"}
        assert set(rows.data) == {"simulated"}
        held = ("C2", "S64d", "S7d", "S522b, S7c", "S62a", "S7b", "S7a", "Z69", "A1", "S3b", "S64b")
        assert set(verdicts[list(held)]) == {"holds"}
        untested = verdicts[["S521a", "S521b", "S522a", "S64c", "C1"]]
        assert set(untested) == {"not testable"}
        # The border of 3D models is labelled as well as the rest: nobody's hardest.
        assert verdicts["S62d"] != "holds"

    def test_zeros_for_missing_neighbours_follow_from_the_labelled_frames(self, table):
        rows = table("segmentation_grey_means")
        shares = rows[rows.model_id == "2.3"].missing_share.to_numpy()
        # Of frames 4, 7, 10, 13 the first lacks both before it, the last both after it.
        np.testing.assert_allclose(shares, [1 / 4, 1 / 4, 0, 1 / 4, 1 / 4])
        rows = table("segmentation_claims").query("claim_id == 'Z106'").set_index("part")
        claim = rows.loc["mean of five channels"]
        assert claim.value_a == pytest.approx(0.2 * 131)
        assert (claim.value_b, claim.n) == (pytest.approx(25), 8)
        assert rows.n["at most, by printed counts"] == 432
        assert rows.part_verdict["at most, by printed counts"] == "does not hold"

    def test_every_sentence_of_the_paper_on_segmentation_is_among_them(self, table):
        known = {one for name in table("segmentation_claims").claim_id for one in name.split(", ")}
        rows = published.read_csv("midl2026_statements.csv").set_index("statement_id").section
        asked = rows[rows.isin(["5.2.1", "5.2.2", "6.2", "6.4", "Appendix C"])].index
        assert len(asked) == 15
        assert {*asked, "A1", "S3b", "S7a", "S7b", "S7c", "S7d"} <= known

    def test_rounds_are_judged_by_the_first_raters_study_volumes(self, table):
        rows = table("segmentation_claims").set_index(["claim_id", "part"])
        one = rows.loc[("S64b", "voxels")]
        assert (one.n, one.value_b) == (2, pytest.approx(1000, abs=1))  # S001 and S050
        assert rows.value_a["S64b", "minutes"] == pytest.approx(50)
        assert rows.n["S3b", "voxels, against nothing"] == 3
        assert rows.value_b["S3b", "minutes, round by round"] == pytest.approx(20)

    def test_failures_are_those_of_ordinary_tracked_volumes_with_a_graded_truth(self, table):
        rows = table("segmentation_claims").query("claim_id == 'S64e'").set_index("part")
        assert rows.value_a.to_dict() == {"incomplete bone": 0.5, "motion artefact": 0}
        assert (rows.value_b == 0).all()
        assert set(rows.n) == {7}

    def test_words_of_other_stages_tables_are_theirs(self):
        own = segmentation_scores.segmentation_claims
        assert (own._BETWEEN, own._TRACKED) == (grade_rules.BETWEEN, graded_cases.TRACKED)
        assert own._ORDINARY == graded_cases.ORDINARY_GROUPS
        assert set(own._TYPICAL) <= set(FAILURES)
        words = volume_labels.FIRST_MASKS, volume_labels.FROM_NOTHING, study_raters.CORRECTS
        assert words == (own._COARSE, own._NOTHING, own._RATER)

    def test_without_a_frame_drawn_twice_that_sentence_is_left_out(self, inputs, monkeypatch):
        courses = segmentation_scores.segmentation_claims.read_courses("smoke")
        courses.between_frames["dice"] = np.nan
        assert segmentation_scores.segmentation_claims._consistency(courses) == []


class TestGoals:
    def test_metrics_say_what_was_reached(self, inputs):
        found = tables.read_metrics(paths.metrics_file("smoke", STAGE))
        assert found["dice_test_only_3.2"] == pytest.approx(dice_of(0.05), abs=0.01)
        assert found["goal_mean_dice_met"] is True
        assert found["goal_order_of_table5_met"] is True
        assert found["goal_better_than_each_2d_model_met"] is False  # five subjects cannot
        assert found["p_holm_3.2_vs_2.3"] == pytest.approx(6 / 32)
        assert (found["subject_count_test_only"], found["volume_count_test_only"]) == (5, 10)

    def dice(self, **change):
        """Return mean Dice that meets all goals but for a change."""
        means = {"2.1": 0.5, "2.2": 0.52, "2.3": 0.6, "3.1": 0.7, "3.2": 0.85} | change
        table = pd.DataFrame({MEAN: means})
        return table.assign(femoral_head=0.95)

    @pytest.mark.parametrize(
        ("change", "p", "missed"),
        [
            ({}, 0.01, set()),
            ({}, 0.06, {"better_than_each_2d_model"}),
            ({"3.2": 0.79}, 0.01, {"mean_dice"}),
            ({"2.2": 0.61}, 0.01, {"order_of_table5"}),
            ({"2.1": 0.61}, 0.01, {"order_of_table5"}),
        ],
    )
    def test_each_goal_is_missed_for_its_own_reason(self, change, p, missed):
        names = [f"3.2_vs_{model}" for model in FRAME_MODELS]
        numbers = dict.fromkeys([f"p_holm_{name}" for name in names], p)
        numbers |= dict.fromkeys([f"dice_difference_{name}" for name in names], 0.2)
        found = segmentation_goals.goals(self.dice(**change), numbers)
        assert {name for name in missed if found[f"goal_{name}_met"]} == set()
        names = ("mean_dice", "head_dice", "better_than_each_2d_model", "order_of_table5")
        assert {name for name in names if not found[f"goal_{name}_met"]} == missed

    def test_a_significant_loss_is_not_better(self):
        numbers = {f"p_holm_3.2_vs_{model}": 0.001 for model in FRAME_MODELS}
        numbers |= {f"dice_difference_3.2_vs_{model}": 0.1 for model in FRAME_MODELS}
        numbers["dice_difference_3.2_vs_2.3"] = -0.1
        found = segmentation_goals.goals(self.dice(), numbers)
        assert not found["goal_better_than_each_2d_model_met"]


class TestRefusals:
    def test_a_missing_prediction_is_an_error_that_names_it(self, inputs):
        case = segmentation_scores.judged_cases("smoke").iloc[0]
        path = prediction_file(paths.results_dir("smoke"), "2.2", case)
        hidden = path.rename(path.with_suffix(".away"))
        try:
            with pytest.raises(parallel.CaseError, match=r"S049/left_p_a failed.*2.2.*is missing"):
                segmentation_scores.main(STUDY)
        finally:
            hidden.rename(path)

    def test_a_mask_that_lies_elsewhere_is_refused(self, inputs, tmp_path):
        case = segmentation_scores.judged_cases("smoke").iloc[-1]
        results = paths.results_dir("smoke")
        path = reference_file(results, "second_label", case)
        kept = path.read_bytes()
        made.write(made.truth()[:, :, :-1], path)
        try:
            with pytest.raises(ValueError, match="mask must lie on its reference's grid"):
                segmentation_scores.score_case(case, results=results)
        finally:
            path.write_bytes(kept)

    def test_a_test_only_volume_that_nobody_corrected_is_an_error(self, inputs, monkeypatch):
        read = segmentation_scores.segmentation_claims.read

        def without_one(profile, name, columns):
            table = read(profile, name, columns)
            is_one = (table.subject_id == "S103") & (table.sweep_id == "left_p_d")
            return table[~is_one] if name == "volume_labels_refined" else table

        monkeypatch.setattr(segmentation_scores.segmentation_claims, "read", without_one)
        with pytest.raises(ValueError, match="1 of 10 test-only volumes.*S103/left_p_d"):
            segmentation_scores.judged_cases("smoke")

    def test_without_raters_the_stage_leaves_empty_tables(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        columns = [*made.cases().columns]
        for name in ("volume_labels_refined", "volume_labels_first"):
            empty = pd.DataFrame(columns=columns)
            tables.write(empty, paths.table_file("smoke", name), key=[])
        tables.write(made.cases(), paths.table_file("smoke", "sweep_volumes"), key=[])
        assert list(segmentation_scores.main(STUDY)) == []
        for name, expected in segmentation_scores.COLUMNS.items():
            found = tables.read(paths.table_file("smoke", name))
            assert list(found.columns) == expected
            assert found.empty
        assert tables.read_metrics(paths.metrics_file("smoke", STAGE)) == {}
