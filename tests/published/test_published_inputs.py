"""No input of the simulation carries another verdict.

What went in is found here a second time, without the list of inputs: in the cohort's and the
protocol's targets, in params.yaml, in constants of the phantom, in the comments that name a claim,
and by what the paper calls cohort and raters.
"""

import re

import pandas as pd
import pytest
import yaml

from hipus import paths, tables
from hipus.calibration import spatiotemporal
from hipus.phantom.anatomy import population
from hipus.published import claim_registry
from hipus.published.claim_registry import Kind
from hipus.published.verdicts import Verdict

#: (group, quantity) of data/cohort -> claims of the text that print it.
COHORT = {
    ("cohort", "infants"): ("M022", "M087"),
    ("cohort", "female"): ("M023", "M088"),
    ("cohort", "male"): ("M024", "M089"),
    ("cohort", "age_mean"): ("M025", "M090"),
    ("cohort", "age_min"): ("M026", "M091"),
    ("cohort", "age_max"): ("M027", "M092"),
    ("sweeps", "per_infant"): ("M010",),
    ("sweeps", "tracked_train"): ("M045",),
    ("sweeps", "tracked_validation"): ("M047",),
    ("sweeps", "infants_train"): ("M046",),
    ("sweeps", "infants_validation"): ("M048",),
    ("frames", "rows"): ("M034",),
    ("frames", "columns"): ("M035",),
    ("frames", "annotated_infants"): ("M029",),
    ("frames", "annotated_sweeps"): ("M028",),
    ("frames", "per_sweep_mean"): ("M031",),
    ("frames", "annotation_step"): ("M032",),
    ("frames", "train"): ("M042",),
    ("frames", "validation"): ("M043",),
    ("frames", "test"): ("M044",),
    ("volumes", "first_round"): ("M052",),
    ("volumes", "train"): ("M055",),
    ("volumes", "validation"): ("M056",),
    ("volumes", "test"): ("M057",),
    ("volumes", "spacing"): ("M093",),
    ("raters", "dice_mean"): ("M039",),
    ("raters", "dice_ilium"): ("M040",),
    ("raters", "dice_femoral_head"): ("M041",),
}
#: Targets that no sentence of the text prints: rows of Table 6, a model's numbers, sums of both.
NOT_IN_THE_TEXT = {
    ("cohort", "age_sd"),  # printed after +- beside the mean
    ("hips", "graf_Ib"), ("hips", "graf_IIa"), ("hips", "infants_with_IIa"),
    ("delivery", "c_section"), ("delivery", "normal"),  # listed, drawn by nothing
    *(("volumes", f"median_shape_{axis}") for axis in range(3)),
    ("raters", "dice_other_two_mean"),
}  # fmt: skip
#: params.yaml, block of a model -> what the paper calls it.
SETTINGS = {"batch_size": "batch_size", "epochs": "epochs", "features_per_stage": "feature_widths"}


@pytest.fixture(scope="module")
def cells():
    """Return all printed claims by id."""
    return {cell.claim_id: cell for cell in claim_registry.cells()}


@pytest.fixture(scope="module")
def judged():
    """Return the verdict on each claim, as profile small keeps it."""
    file = paths.table_file("small", "claims")
    return tables.read(file, dtype=str, keep_default_na=False).set_index("claim_id")["verdict"]


@pytest.fixture(scope="module")
def paper_profile():
    """Return the block of params.yaml that has the publication's sizes."""
    return yaml.safe_load(paths.params_file().read_text(encoding="utf-8"))["paper"]


def targets() -> dict[tuple[str, str], float]:
    """Return what the simulated cohort aims at."""
    file = paths.data_dir() / "cohort" / "published_cohort.csv"
    return {(row.group, row.quantity): row.value for row in tables.read(file).itertuples()}


class TestTargets:
    def test_every_target_is_looked_at(self):
        graded = {key for key in targets() if key[0] == "grading"}
        assert set(targets()) == {*COHORT, *NOT_IN_THE_TEXT, *graded}

    @pytest.mark.parametrize(("key", "claims"), COHORT.items(), ids=map(str, COHORT))
    def test_a_target_of_the_cohort_is_an_input(self, cells, judged, key, claims):
        for name in claims:
            printed = cells[f"midl_text/{name}"].row["value"]
            assert float(printed) == targets()[key]
            assert judged[f"midl_text/{name}"] == Verdict.INPUT

    def test_grades_are_compared_and_feed_nothing(self):
        users = [path for path in (paths.root() / "hipus" / "phantom").rglob("*.py")
                 if re.search(r'"(grading|insufficient)"', path.read_text())]  # fmt: skip
        assert users == []

    def test_sexes_ages_and_types_of_table_6_are_inputs(self, cells, judged):
        rows = [name for name, cell in cells.items() if cell.table == "midl_table6"
                and cell.column in ("sex", "age_days", "graf_right", "graf_left")]  # fmt: skip
        assert len(rows) == 4 * 50
        assert set(judged[rows]) == {Verdict.INPUT}

    def test_durations_and_frames_of_the_protocol_are_inputs(self, cells, judged):
        sweeps = tables.read(paths.data_dir() / "protocol" / "sweeps.csv").set_index("sweep_type")
        known = {"posterior_anterior": "M013", "proximal_distal": "M014"}
        for kind, name in known.items():
            printed = float(cells[f"midl_text/{name}"].row["value"])
            assert set(sweeps.loc[kind, "duration_s_mean"]) == {printed}
            assert judged[f"midl_text/{name}"] == Verdict.INPUT
        assert judged["midl_text/M031"] == Verdict.INPUT


class TestSettings:
    @pytest.mark.parametrize("model_id", ["2.1", "2.2", "3.1", "3.2"])
    def test_numbers_of_the_models_are_inputs(self, cells, judged, paper_profile, model_id):
        block = paper_profile[f"model_{model_id.replace('.', '')}"]
        seen = 0
        for key, parameter in SETTINGS.items():
            cell = cells.get(f"midl_training/{model_id}/{parameter}")
            if cell is None:
                continue
            numbers = block[key] if isinstance(block[key], list) else [block[key]]
            assert [int(part) for part in cell.row["value"].split()] == numbers
            assert judged[cell.claim_id] == Verdict.INPUT
            seen += 1
        assert seen >= 1

    def test_patches_of_the_models_are_inputs(self, cells, judged, paper_profile):
        names = {"2.1": ("input_height", "input_width"), "2.2": ("input_height", "input_width"),
                 "2.3": ("patch_height", "patch_width"), "3.1": ("patch_0", "patch_1", "patch_2"),
                 "3.2": ("patch_0", "patch_1", "patch_2")}  # fmt: skip
        for model_id, parameters in names.items():
            rows = [f"midl_training/{model_id}/{name}" for name in parameters]
            used = paper_profile[f"model_{model_id.replace('.', '')}"]["patch_size"]
            assert [int(cells[row].row["value"]) for row in rows] == used
            assert set(judged[rows]) == {Verdict.INPUT}

    @pytest.mark.parametrize(
        ("block", "key", "claim"),
        [
            ("cohort", "frame_rows", "midl_text/M034"),
            ("cohort", "frame_columns", "midl_text/M035"),
            ("cohort", "centre2_subjects", "midl_text/M015"),
            ("cohort", "volume_spacing_mm", "midl_text/M093"),
            ("sweep_volumes", "spacing_mm", "midl_training/3.2/median_spacing_0"),
            ("sweep_volumes", "first_round_rows", "midl_training/3.1/resampled_width"),
            ("sweep_volumes", "first_round_columns", "midl_training/3.1/resampled_height"),
            ("motion", "epochs", "midl_training/reconstruction/epochs"),
            ("motion", "batch_size", "midl_training/reconstruction/batch_size"),
        ],
    )
    def test_sizes_of_the_paper_profile_are_inputs(
        self, cells, judged, paper_profile, block, key, claim
    ):
        assert float(cells[claim].row["value"]) == paper_profile[block][key]
        assert judged[claim] == Verdict.INPUT


class TestCode:
    def test_claims_that_simulating_code_names_are_inputs(self, judged):
        folder = paths.root() / "hipus"
        files = [*(folder / "phantom").rglob("*.py"), folder / "segmentation" / "assignment.py",
                 folder / "segmentation" / "effort.py"]  # fmt: skip
        named = {name for file in files for name in re.findall(r"\b[MTU]\d{3}\b", file.read_text())}
        assert {"M032", "M052", "T033"} <= named
        tables_of = {"M": "midl_text", "T": "thesis_text", "U": "ultrabones_text"}
        for name in named:
            assert judged[f"{tables_of[name[0]]}/{name}"] == Verdict.INPUT, name

    def test_norms_of_alpha_in_the_phantom_are_inputs(self, cells, judged):
        used = {population.ALPHA_MEAN_DEG, population.ALPHA_ANTERIOR_DEG,
                population.ALPHA_POSTERIOR_DEG}  # fmt: skip
        norms = [cell for cell in cells.values() if cell.table == "literature"
                 and cell.row["key"].startswith("alpha") and cell.row["unit"] == "deg"
                 and float(cell.row["value"]) in used]  # fmt: skip
        assert len(norms) == len(used)
        assert {judged[cell.claim_id] for cell in norms} == {Verdict.INPUT}

    def test_the_scanned_lags_are_inputs(self, cells, judged):
        ends = [cells[f"ultrabones_text/{name}"].row["value"] for name in ("U011", "U012")]
        assert [float(end) / 1000 for end in ends] == list(spatiotemporal.LAG_RANGE_S)
        assert judged["ultrabones_text/U011"] == judged["ultrabones_text/U012"] == Verdict.INPUT

    def test_limits_of_graf_types_are_inputs(self, cells, judged):
        rows = [name for name, cell in cells.items() if cell.table == "midl_graf"]
        assert set(judged[rows]) == {Verdict.INPUT}


class TestWords:
    @pytest.mark.parametrize(
        "words", ["inter-rater", "UKSH cohort", "annotated", "train ", "duration, mean"]
    )
    def test_what_the_paper_says_of_cohort_and_raters_is_an_input(self, cells, judged, words):
        found = [name for name, cell in cells.items() if cell.table == "midl_text"
                 and words in cell.row["quantity"] and cell.row["unit"] != "date"]  # fmt: skip
        assert found
        assert set(judged[found]) == {Verdict.INPUT}


class TestList:
    def test_listed_inputs_and_verdicts_are_the_same_claims(self, judged):
        listed = {name for name, row in claim_registry.kinds().items() if row.kind == Kind.INPUT}
        assert set(judged.index[judged == Verdict.INPUT]) == listed

    def test_each_input_names_files_that_exist(self):
        for row in claim_registry.kinds().values():
            for name in filter(None, row.used_in.split(";")):
                path = name.strip().partition(":")[0]
                assert (paths.root() / path).exists(), f"{row.table} {row.rows}: {path}"

    def test_each_input_names_parameters_that_exist(self, paper_profile):
        dotted = pd.Series([row.used_in for row in claim_registry.kinds().values()]).unique()
        names = {name for text in dotted for name in re.findall(r"paper\.([a-z0-9_.]+)", text)}
        assert names
        for name in names:
            block, _, key = name.partition(".")
            assert block in paper_profile, name
            assert not key or key in paper_profile[block], name
