"""Numbers of README and docs/results.md are those of the saved results; what they name exists."""

import json
import re

import pandas as pd
import pytest

from hipus import paths, tables

README = (paths.root() / "README.md").read_text(encoding="utf-8")
RESULTS = (paths.root() / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def metrics() -> dict:
    """Return the small profile's metrics of all stages."""
    files = (paths.results_dir("small") / "metrics").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in files}


def table(name: str) -> pd.DataFrame:
    """Return a table of the small profile."""
    return tables.read(paths.table_file("small", name))


def study_arm() -> str:
    """Return the study's own arm: the one whose sweeps are shown."""
    return table("motion_frames")["arm"].iloc[0]


def row(start: str) -> str:
    """Return the line of the results' tables that starts with a quantity."""
    return next(line for line in RESULTS.splitlines() if line.startswith(f"| {start}"))


class TestMeasured:
    def test_calibration_errors(self, metrics):
        found = metrics["calibration"]
        line = row("validation error")
        assert f"{found['classic_validation_error_mm_mean']:.3f} mm" in line
        assert f"({found['classic_validation_error_mm_mean_all']:.3f} mm)" in line

    def test_wires_found(self, metrics):
        found = metrics["calibration"]
        assert f"{found['frames_found']} of {found['frames_total']} frames" in row("wires found")

    def test_matrix_against_plus(self, metrics):
        found = metrics["calibration"]
        line = row("classic matrix")
        assert f"{found['classic_origin_from_plus_mm']:.3f} mm" in line
        assert f"{found['classic_angle_from_plus_deg']:.3f}°" in line

    def test_joint_fit(self, metrics):
        found = metrics["calibration"]
        line = row("joint fit")
        assert f"{found['joint_validation_point_to_wire_mm_mean']:.3f} mm" in line
        assert f"{found['classic_validation_point_to_wire_mm_mean']:.3f} mm" in line

    def test_lag(self, metrics):
        assert f"−{-1e3 * metrics['calibration']['lag_s']:.1f} ms" in row("lag of the poses")

    def test_space_and_time_at_once(self, metrics):
        found = metrics["calibration"]
        line = row("space and time at once")
        assert f"−{-1e3 * found['joint_lag_s']:.0f} ms" in line
        assert f"{1e3 * found['joint_lag_as_recorded_s']:+.0f} ms" in line
        assert f"within {1e3 * found['joint_lag_width_s']:.0f} ms" in line

    def test_reference_volumes(self, metrics):
        found = metrics["reconstruction"]
        line = row("PLUS's reference volumes")
        assert f"{found['references_that_hold']} of {found['references_total']}" in line
        assert f"{100 * found['nearest_latest_equal_fraction']:.2f} %" in line
        assert f"{100 * found['nearest_maximum_within_2_fraction']:.2f} %" in line
        assert found["nearest_mean_float_largest_difference"] < 1e-4

    def test_claims(self, metrics):
        found, line = metrics["published"], row("published claims")
        for verdict in ("confirmed_by_arithmetic", "inconsistent", "not_checkable", "not_audited"):
            assert f"{found[f'claims_{verdict}']} {verdict.replace('_', ' ')}" in line

    def test_verdicts_on_all_claims(self, metrics):
        found, line = metrics["claims"], row("all published claims beside ours")
        assert f"| {found['claims_total']}: " in line
        counts = [value for name, value in found.items() if name.startswith("claims_")]
        assert sum(counts) == 2 * found["claims_total"]
        assert [value for value in counts if not re.search(rf"\b{value} \w|\b{value}:", line)] == []


class TestSimulated:
    def test_cohort(self, metrics):
        found, line = metrics["cohort"], row("simulated cohort")
        assert f"{found['subjects_total']} subjects, {found['sweeps_total']} sweeps" in line
        assert f"{found['sweeps_usable']} pass" in line

    def test_physics(self, metrics):
        found, line = metrics["realism"], row("physics of the speckle")
        held, total = found["physics_checks_that_hold"], found["physics_checks_total"]
        assert f"{held} of {total}" in line

    def test_likeness(self, metrics):
        found, line = metrics["realism"], row("pictures, half")
        assert f"{found['report_half_simulated_to_real']:.1f} grey levels" in line
        assert f"AUC {found['report_half_auc_simulated']:.2f}" in line
        assert f"real to real {found['report_half_real_to_real']:.1f}" in line
        assert f"AUC {found['report_half_auc_halves']:.2f}" in line

    def test_raters(self, metrics):
        found, line = metrics["raters"], row("two simulated raters")
        for name in ("dice_mean", "dice_ilium", "dice_femoral_head"):
            assert f"{found[name]:.2f}" in line

    def test_simulated_calibration(self, metrics):
        found, line = metrics["calibration_simulated"], row("target registration error")
        assert f"{found['classic_target_registration_error_mm_mean']:.2f} mm" in line
        assert f"{found['joint_target_registration_error_mm_mean']:.2f} mm" in line
        assert f"{found['lags_within_2_ms']} of {found['sessions_total']}" in line


class TestPredicted:
    def test_final_drift(self):
        arms, name = table("motion_arms").set_index(["arm", "truth"]), study_arm()
        ours, constant = (arms.loc[(arm, "vs_tracker")] for arm in (name, "constant step"))
        line = row("motion without tracking, simulated")
        assert f"*{name}* on {ours['sweep_count']} test sweeps" in line
        assert f"| {ours['mean']:.1f} mm vs tracker (95 %: {ours['low']:.1f} to" in line
        assert f"{arms.loc[(name, 'vs_hip'), 'mean']:.1f} mm vs hip" in line
        share = 100 * ours["mean"] / constant["mean"]
        assert f"constant step {constant['mean']:.1f} mm: {share:.0f} %" in line

    def test_goal_against_what_is_not_learned(self):
        rows = table("motion_comparisons").query("measure == 'final_mm' and sweep_type == 'all'")
        rows = rows[(rows.arm_a == study_arm()) & rows.is_best_not_learned.astype(bool)]
        found, line = rows.set_index("truth").loc["vs_tracker"], row("… minus the best arm")
        assert f"({found['arm_b']})" in line
        numbers = [f"{found[name]:+.2f}" for name in ("difference", "low", "high")]
        assert [text.replace("-", "−") in line for text in numbers] == [True] * 3

    def test_the_paper_s_network(self):
        arms, line = table("motion_arms").set_index(["arm", "truth"]), row("the paper's network")
        assert f"| {arms.loc[('published', 'vs_tracker'), 'mean']:.1f} mm |" in line
        assert table("motion_published")["training"].iloc[0] in line

    def test_near_the_head(self):
        rows = table("local_consistency_summary").query("sweep_type == 'all'")
        rows = rows[rows.arm == rows.arm.iloc[0]].set_index("quantity")["mean"]
        line = row("tissue near the head")
        assert f"{rows['near_mm']:.1f} mm where the end drifts {rows['final_mm']:.1f} mm" in line
        assert f"{rows['elsewhere_minus_near_mm']:+.2f}".replace("-", "−") in line

    def test_refinement(self):
        rows = table("pose_refinement_summary").query("sweep_type == 'all'")
        found, line = rows.set_index("truth").loc["vs_tracker"], row("refined by the crossing")
        when = f"{found['final_mm_after']:.1f} mm instead of {found['final_mm_before']:.1f} mm"
        assert when in line
        assert f"{found['difference_mm']:+.1f} mm".replace("-", "−") in line


MODELS = ("2.1", "2.2", "2.3", "3.1", "3.2")


def is_met(found: bool) -> str:
    """Return how the page tells whether a goal is met."""
    return "met" if found else "**not met**"


def models_segment(found: dict) -> list[str]:
    """Return the page's lines on the five models."""
    dice = {model: found[f"dice_test_only_{model}"] for model in MODELS}
    mean = "mean_over_structures"
    raters = table("segmentation_raters").set_index(["cohort", "structure", "pair"])
    own = raters.loc[("test", mean, "3.2 and truth")]
    rows = table("segmentation_table5").query(
        "cohort == 'test' and reference == 'insonified_truth'"
    )
    printed = rows.set_index(["model_id", "structure"]).printed_dice
    gain = [found[f"dice_difference_3.2_vs_{model}"] for model in MODELS[:3]]
    gains = ", ".join(f"{value:+.3f}".replace("-", "−") for value in gain)
    worst = max(found[f"p_holm_3.2_vs_{model}"] for model in MODELS[:3])
    head = found["dice_test_only_3.2_femoral_head"]
    all_ours, all_printed = (
        ", ".join(f"{value:.3f}" for value in values)
        for values in (dice.values(), (printed[float(model), mean] for model in MODELS))
    )
    order = "reproduced" if found["goal_order_of_table5_met"] else "**not reproduced**"
    return [
        f"| segmentation, simulated: mean Dice of model 3.2 on {found['volume_count_test_only']} "
        f"volumes of {found['subject_count_test_only']} infants that only test | {dice['3.2']:.3f} "
        f"(95 %: {own.dice_low:.3f} to {own.dice_high:.3f}) | goal 0.80: "
        f"{is_met(found['goal_mean_dice_met'])}; printed {printed[3.2, mean]:.3f}, clinical |",
        f"| … of its femoral head | {head:.3f} | goal 0.90: {is_met(found['goal_head_dice_met'])}; "
        f"printed {printed[3.2, 'femoral_head']:.3f} |",
        f"| … minus the 2D models 2.1, 2.2, 2.3 | {gains}; largest p {worst:.2g} (paired Wilcoxon, "
        f"Holm) | goal p < 0.05: {is_met(found['goal_better_than_each_2d_model_met'])} |",
        f"| models 2.1, 2.2, 2.3, 3.1, 3.2, all as volumes | {all_ours} | printed {all_printed}: "
        f"order {order} |",
    ]


def models_carry() -> list[str]:
    """Return the page's lines on grades and other circumstances."""
    rows = table("volume_grade_shares").query(
        "sweep_type == 'all' and group == 'ordinary' and poses == 'tracked'"
    )
    rows = rows.set_index("grade").loc[["good", "adequate", "insufficient"]]
    ours, printed = (
        ", ".join(f"{value:.0f}" for value in values)
        for values in (100 * rows.share, rows.published_percent)
    )
    drop = table("volume_drop").query("quantity == 'dice_mean'").set_index("comparison")
    lost = [
        f"{drop.difference[name]:+.3f} (95 %: {drop.low[name]:+.3f} to {drop.high[name]:+.3f})"
        for name in ("predicted poses", "second centre")
    ]
    return [
        f"| ordinary tracked sweeps, graded by rules: good, adequate, insufficient | {ours} % of "
        f"{rows.volume_count.iloc[0]} volumes | printed {printed} % of "
        f"{rows.published_volume_count.iloc[0]:.0f}, read by people |",
        f"| Dice of model 3.2 by predicted poses; in the second, untracked centre | "
        f"{'; '.join(lost)} | tracked sweeps of the first centre |".replace("-", "−"),
    ]


def signed(row, *, form: str = "+.2f") -> str:
    """Return a difference with its interval as the page has it."""
    low, high = f"{row.low:{form}}", f"{row.high:{form}}"
    return f"{row.difference:{form}} (95 %: {low} to {high})".replace("-", "−")


def hips_measure(found: dict) -> list[str]:
    """Return the page's lines on measured hips."""
    rows = table("hip_error_summary").query(
        "group == 'ordinary' and measure == 'alpha_deg' and masks == 'model'"
    )
    rows = rows.set_index(["sweep_type", "poses"])
    error = {way: f"{value:.1f}°" for way, value in rows.median_absolute_error.items()}
    refused = {way: f"{100 * value:.0f} % refused" for way, value in rows.refused_share.items()}
    gain = table("hip_gain").query(
        "group == 'ordinary' and measure == 'alpha_deg' and masks == 'model' "
        "and second == 'p_a best_frame'"
    )
    gain = gain.rename(columns={"mean_difference": "difference"}).set_index("first")
    lines, ours = [], rows.median_absolute_error["p_d", "rounded"]
    lines.append(
        f"| alpha from untracked p_d sweeps, simulated: median error on "
        f"{rows.sweep_count['p_d', 'rounded']} hips of "
        f"{rows.subject_count['p_d', 'rounded']} infants that only test | "
        f"{error['p_d', 'rounded']} ({refused['p_d', 'rounded']}); poses as predicted "
        f"{error['p_d', 'predicted']}, tracked {error['p_d', 'tracked']} | goal 4°: "
        f"{is_met(ours <= 4)} |"
    )
    for kind in ("p_d", "p_a"):
        row = gain.loc[f"{kind} rounded"]
        goal = f"goal below: {is_met(row.difference < 0)}" if kind == "p_d" else "no goal"
        lines.append(
            f"| … {kind}, against alpha in the best single p_a frame of the same "
            f"{row.hip_count} hips | {row.first_median:.1f}° against {row.second_median:.1f}° "
            f"(medians); mean difference {signed(row)}° | {goal} |"
        )
    share = found["interval_coverage_share"]
    lines.append(
        f"| calibrated 95 % intervals of {found['interval_count']} measures of test hips that "
        f"hold the truth | {100 * share:.1f} % | goal 90 to 98 %: {is_met(0.90 <= share <= 0.98)} |"
    )
    return lines


def hips_fuse() -> list[str]:
    """Return the page's lines on fused hips."""
    rows = table("hip_fusion_summary").query(
        "group == 'all' and poses == 'predicted' and masks == 'model'"
    )
    rows = rows.set_index(["quantity", "second"])
    drift = rows.loc[("drift_mm", "before")]
    lines = [
        f"| drift at the head, p_a and p_d of {drift.hip_count} hips fused, simulated | "
        f"{drift.first_mean:.2f} mm instead of {drift.second_mean:.2f} mm, {signed(drift)} mm | "
        f"goal at most half: {is_met(drift.ratio <= 0.5)} |"
    ]
    for kind in ("p_a", "p_d"):
        row = rows.loc[("alpha_deg_error", kind)]
        worst = f"{row.worst_difference:+.1f}°".replace("-", "−")
        lines.append(
            f"| … mean error of alpha against {kind} alone | {row.first_mean:.1f}° instead of "
            f"{row.second_mean:.1f}°, {signed(row)}°; worst infant {worst} | goal better: "
            f"{is_met(row.difference < 0)}, none worse by 1°: "
            f"{is_met(row.worst_difference <= 1)} |"
        )
    return lines


class TestMeasuredHips:
    def test_every_number_is_the_tables(self, metrics):
        if not metrics.get("hip_angles"):
            pytest.skip("profile small holds no measured hip: `make reproduce` makes it")
        expected = hips_measure(metrics["hip_angles"]) + hips_fuse()
        assert [line for line in expected if line not in RESULTS.splitlines()] == []


class TestSegmented:
    def test_every_number_is_the_tables(self, metrics):
        if not metrics.get("segmentation_scores"):
            pytest.skip("profile small holds no judged model: `make reproduce` makes it")
        expected = models_segment(metrics["segmentation_scores"]) + models_carry()
        assert [line for line in expected if line not in RESULTS.splitlines()] == []

    def test_raters_of_frames(self):
        rows, line = table("inter_rater").set_index("structure"), row("frames drawn by two")
        said = [f"{rows.dice[name]:.2f}" for name in ("mean of the four", "ilium", "femoral_head")]
        assert ", ".join(said) in line


class TestHeadlines:
    def test_every_row_of_the_readme_is_one_of_the_results(self):
        table = README.partition("## What came out")[2].partition("## Notebooks")[0]
        rows = [line for line in table.splitlines() if line.startswith("| ")]
        assert len(rows) > 6
        assert [line for line in rows if line not in RESULTS.splitlines()] == []

    def test_a_missed_goal_is_among_them(self):
        assert "**not met**" in README


class TestReferences:
    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/results.md"])
    def test_every_linked_file_exists(self, page):
        file = paths.root() / page
        links = re.findall(r"\]\(([^)#:]+)[^)]*\)", file.read_text(encoding="utf-8"))
        assert links or page == "CONTRIBUTING.md"
        assert [link for link in links if not (file.parent / link).exists()] == []

    def test_every_make_target_it_names_exists(self):
        makefile = (paths.root() / "Makefile").read_text()
        named = set(re.findall(r"make ([a-z]+)", README))
        assert not [name for name in named if not re.search(rf"^{name}:", makefile, re.M)]

    def test_every_figure_it_names_is_drawn(self):
        named = set(re.findall(r"`(?:figures/small/)?(\d\d_[a-z_]+)`", RESULTS))
        drawn = {path.stem for path in paths.figures_dir("small").glob("*.png")}
        assert named
        assert named <= drawn

    def test_every_notebook_is_listed(self):
        notebooks = {path.name for path in (paths.root() / "notebooks").glob("*.ipynb")}
        assert {name for name in notebooks if name not in README} == set()


def test_the_benchmark_page_shows_the_benchmark_table():
    table = pd.read_csv(paths.root() / "benchmarks" / "results" / "voxelisation.csv")
    page = (paths.root() / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    shown = [
        line for line in page.splitlines() if line.startswith(("| hipus", "| numpy", "| torch"))
    ]
    expected = [
        f"| {row.implementation} | {row.interpolation} | {row.threads} | {row.frames} | "
        f"{row.frames_per_s:.0f} | {row.frames_per_cpu_s:.0f} |"
        for row in table.itertuples()
    ]
    assert len(shown) == len(table)
    assert all(line.startswith(start) for line, start in zip(shown, expected, strict=True))
