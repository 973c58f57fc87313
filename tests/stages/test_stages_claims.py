"""Stage `claims` with and without results, and what profile small keeps of it."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from study_folders import CHECKOUT, make_study_folder, without_real_data

from hipus import config, paths, tables
from hipus.published import claim_registry
from hipus.published import claims as printed_claims
from hipus.published.verdicts import Verdict
from hipus.stages import claims, runner


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Run the stage where nothing but the transcription is there; return files it read."""
    folder = tmp_path_factory.mktemp("claims")
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, make_study_folder(folder))
        study = config.load("smoke")
        runner.write_tables(study, {"published_claims": (printed_claims(), ["claim_id"])})
        read = claims.main(study)
        yield study, read


def table(name: str) -> pd.DataFrame:
    """Return a table that the stage wrote."""
    return tables.read(paths.table_file("smoke", name), keep_default_na=False)


@pytest.fixture(scope="module")
def kept() -> pd.DataFrame:
    """Return what profile small keeps in the checkout."""
    file = CHECKOUT / "results" / "small" / "tables" / "claims.csv"
    return tables.read(file, dtype=str, keep_default_na=False)


class TestWithoutResults:
    def test_every_published_claim_has_one_row_and_a_verdict(self, written):
        found = table("claims")
        assert sorted(found["claim_id"]) == sorted(printed_claims()["claim_id"])
        assert set(found["verdict"]) <= set(Verdict)

    def test_claims_of_absent_tables_name_the_stage_that_makes_them(self, written):
        found = table("claims").set_index("claim_id")
        row = found.loc["midl_text/M066"]
        assert row["verdict"] == Verdict.CLINICAL
        assert "stage motion was skipped or not run (dvc repro motion@smoke)" in row["reason"]
        assert not (found["origin"] == "simulated").any()

    def test_counts_and_metrics_are_those_of_the_table(self, written):
        found, counts = table("claims"), table("claim_counts")
        assert counts["claims"].sum() == len(found)
        assert len(counts) == found["document"].nunique() * len(Verdict)
        metrics = tables.read_metrics(paths.metrics_file("smoke", "claims"))
        assert metrics["claims_total"] == len(found)
        per_class = [value for name, value in metrics.items()
                     if name.startswith("claims_") and name != "claims_total"]  # fmt: skip
        assert sum(per_class) == len(found)
        assert metrics["claims_input_of_the_simulation"] == (
            (found["verdict"] == Verdict.INPUT).sum()
        )

    def test_only_files_that_are_there_count_as_read(self, written):
        names = {Path(file).name for file in written[1]}
        assert names == {"kinds.csv", "links.csv", "sources.csv", "published_claims.csv"}


class TestKept:
    def test_no_claim_lacks_a_row_and_no_row_a_verdict_reason_or_place(self, kept):
        wanted = set(printed_claims()["claim_id"])
        assert wanted <= set(kept["claim_id"])
        assert {name.partition("/")[0] for name in set(kept["claim_id"]) - wanted} <= {"finding"}
        assert kept["claim_id"].is_unique
        for name in ("verdict", "reason", "table", "stage", "command", "link"):
            assert (kept[name] != "").all(), name
        assert set(kept["verdict"]) <= set(Verdict)

    def test_tables_exist_and_their_stages_make_them(self, kept):
        pipelines = {name: yaml.safe_load((CHECKOUT / name).read_text())["stages"]
                     for name in ("dvc.yaml", "arms/dvc.yaml")}  # fmt: skip
        for source in claim_registry.sources().values():
            outs = pipelines[source.pipeline][source.stage]["do"]["outs"]
            names = {Path(name if isinstance(name, str) else next(iter(name))).name
                     for name in outs}  # fmt: skip
            assert f"{source.our_table}.csv" in names, source
        for name in kept["table"].unique():
            assert (CHECKOUT / "results" / "small" / "tables" / f"{name}.csv").is_file(), name

    def test_links_are_pages_of_notebooks_and_commands_those_of_the_source(self, kept):
        known = claim_registry.sources()
        for row in kept[["table", "stage", "command", "link"]].drop_duplicates().itertuples():
            assert row.stage == known[row.table].stage
            assert row.command == known[row.table].command("small")
            assert (CHECKOUT / "notebooks" / Path(row.link).name).with_suffix(".ipynb").is_file()

    def test_ours_says_where_it_comes_from(self, kept):
        shown = kept[kept["ours"] != ""]
        assert set(shown["origin"]) == {"simulated", "arithmetic"}
        assert (shown.loc[shown["origin"] == "simulated", "profile"] == "small").all()
        assert (kept.loc[kept["ours"] == "", ["ours_value", "origin", "profile"]] == "").all(
            axis=None
        )

    def test_nothing_simulated_is_called_confirmed(self, kept):
        confirmed = kept[kept["verdict"] == Verdict.CONFIRMED]
        alone = confirmed[confirmed["origin"] == "simulated"]
        assert alone["claim_id"].str.startswith("midl_table4/").all()
        assert (alone["audit_verdict"] == Verdict.CONFIRMED).all()

    def test_columns_are_as_documented(self, kept):
        assert list(kept.columns)[:5] == ["claim_id", "document", "location", "item", "printed"]

    def test_numbers_beside_the_printed_ones_are_the_tables_own(self, kept):
        """Three of them again, by hand from the tables."""
        folder = CHECKOUT / "results" / "small" / "tables"
        ours = pd.to_numeric(kept.set_index("claim_id")["ours_value"])
        table1 = tables.read(folder / "segmentation_table1.csv", dtype={"model_id": str})
        dice = table1.set_index(["model_id", "structure"])["test_only_dice_mean"]
        assert ours["midl_table1/2.1/ilium"] == pytest.approx(dice["2.1", "ilium"])
        assert ours["midl_text/M076"] == pytest.approx(dice["3.2", "mean_over_structures"])
        motion = tables.read(folder / "motion_published.csv").set_index(
            ["metric", "column_as_printed"]
        )
        drift = motion.loc[("Final drift", "translation_total"), "ours_mean"]
        assert ours["midl_text/M066"] == pytest.approx(drift)
        assert ours["midl_table2/Final_drift/translation_total"] == pytest.approx(drift)
