"""dvc.yaml, arms/dvc.yaml, params.yaml, notebooks and stage modules fit together."""

from pathlib import Path

import pytest
import yaml
from imports import notebook_source, reached

from hipus import config, notebooks, paths

PIPELINE = yaml.safe_load((paths.root() / "dvc.yaml").read_text())
#: What `make arms` runs, outside of `make reproduce`.
ARMS = yaml.safe_load((paths.root() / "arms" / "dvc.yaml").read_text())
REPRODUCED = PIPELINE["stages"]
STAGES = REPRODUCED | ARMS["stages"]
PARAMS = yaml.safe_load((paths.root() / "params.yaml").read_text())


def body(name: str) -> dict:
    """Return what a foreach stage does."""
    return STAGES[name]["do"]


def names_of(entries) -> list[str]:
    """Return the paths of outs or metrics, which may be mappings."""
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries or []]


def outs(name: str) -> list[str]:
    """Return all outputs of a stage."""
    return [
        path for kind in ("outs", "metrics", "plots") for path in names_of(body(name).get(kind))
    ]


def commands(name: str) -> str:
    """Return a stage's commands as one text."""
    cmd = body(name)["cmd"]
    return "\n".join(cmd) if isinstance(cmd, list) else cmd


def source_of(name: str) -> str:
    """Return the source that a stage runs: its module's or its notebook's."""
    if name.startswith("notebook_"):
        path = next(Path(dep) for dep in body(name)["deps"] if dep.endswith(".ipynb"))
        return notebook_source(paths.root() / path)
    return (paths.root() / "hipus" / "stages" / f"{name}.py").read_text()


def keys(block, prefix="") -> set[str]:
    """Return the dotted keys of nested dicts."""
    if not isinstance(block, dict):
        return {prefix}
    return {key for name in block for key in keys(block[name], f"{prefix}.{name}")}


class TestProfiles:
    def test_every_profile_has_the_same_keys(self):
        trees = [keys(PARAMS[profile]) for profile in PARAMS["profiles"]]
        assert all(tree == trees[0] for tree in trees)

    @pytest.mark.parametrize("profile", PARAMS["profiles"])
    def test_every_profile_loads(self, profile):
        assert config.load(profile).profile == profile

    @pytest.mark.parametrize("name", STAGES)
    def test_every_stage_expands_over_the_profiles(self, name):
        assert STAGES[name]["foreach"] == "${profiles}"


@pytest.mark.parametrize("name", STAGES)
class TestEveryStage:
    def test_deps_cover_every_module_it_reaches(self, name):
        needed = reached(source_of(name))
        if not name.startswith("notebook_"):
            needed |= {f"hipus/stages/{name}.py"}
        covered = set(body(name).get("deps", []))
        assert needed - covered == set(), "add these to the stage's deps in dvc.yaml"

    def test_deps_name_no_module_it_does_not_reach(self, name):
        code = {dep for dep in body(name).get("deps", []) if dep.endswith(".py")}
        assert code - reached(source_of(name)) <= {f"hipus/stages/{name}.py"}

    def test_no_dep_is_the_whole_package(self, name):
        assert not {"hipus", "hipus/"} & set(body(name).get("deps", []))

    def test_writes_nothing_below_data(self, name):
        assert not [path for path in outs(name) if path.startswith("data")]

    def test_writes_below_its_own_profile_only(self, name):
        assert all("${item}" in path for path in outs(name))

    def test_says_what_it_answers(self, name):
        assert len(body(name).get("desc", "")) > 10

    def test_records_its_provenance(self, name):
        # An executed notebook is its own record.
        expected = f"results/${{item}}/provenance/{name}.json"
        assert name.startswith("notebook_") or expected in outs(name)

    def test_small_outputs_are_uncached_and_large_ones_cached(self, name):
        small = ("/tables/", "/figure_inputs/", "/metrics/", "/provenance/", "figures/")
        for entry in body(name).get("outs", []) + body(name).get("metrics", []):
            path = next(iter(entry)) if isinstance(entry, dict) else entry
            cached = not (isinstance(entry, dict) and entry[path].get("cache") is False)
            assert cached != any(part in path for part in small), path

    def test_depends_on_no_executed_notebook_unless_it_is_the_report(self, name):
        executed = [dep for dep in body(name).get("deps", []) if "results/${item}/notebooks" in dep]
        assert not executed or name == "report"

    def test_real_data_stages_depend_on_the_inventory(self, name):
        if name.startswith("notebook_") or "runner.real_inputs(" not in source_of(name):
            return
        assert "results/${item}/tables/real_inputs.csv" in body(name)["deps"]


class TestNotebookStages:
    def test_one_stage_per_notebook_and_the_reverse(self):
        in_stages = {
            Path(dep).name
            for name in STAGES
            for dep in body(name).get("deps", [])
            if dep.startswith("notebooks/")
        }
        assert in_stages == {path.name for path in notebooks.all_notebooks()}

    @pytest.mark.parametrize("name", [name for name in STAGES if name.startswith("notebook_")])
    def test_runs_papermill_with_its_profile_from_the_root(self, name):
        text = commands(name)
        assert "papermill" in text
        assert "-p profile ${item}" in text
        assert "--cwd ." in text
        assert "mkdir -p results/${item}/notebooks" in text

    @pytest.mark.parametrize("name", [name for name in STAGES if name.startswith("notebook_")])
    def test_depends_on_every_table_it_reads(self, name):
        source = source_of(name)
        tables = {
            Path(out).stem for stage in REPRODUCED for out in outs(stage) if "/tables/" in out
        }
        read = {table for table in tables if f'"{table}"' in source}
        covered = {Path(dep).stem for dep in body(name)["deps"] if "/tables/" in dep}
        assert read <= covered


class TestArms:
    def test_no_stage_is_in_both_pipelines(self):
        assert not set(REPRODUCED) & set(ARMS["stages"])

    def test_reads_the_profiles_of_params_yaml(self):
        assert ARMS["vars"] == ["../params.yaml"]

    @pytest.mark.parametrize("name", ARMS["stages"])
    def test_runs_from_the_root(self, name):
        assert body(name)["wdir"] == ".."

    @pytest.mark.parametrize("name", REPRODUCED)
    def test_nothing_that_is_reproduced_waits_for_an_arm(self, name):
        made = {path for arm in ARMS["stages"] for path in outs(arm)}
        assert not made & set(body(name).get("deps", []))

    @pytest.mark.parametrize("name", ARMS["stages"])
    def test_make_runs_every_arm_in_small_and_in_smoke(self, name):
        text = (paths.root() / "Makefile").read_text()
        for profile in ("smoke", "small"):
            assert f"arms/dvc.yaml:{name}@{profile}" in text

    def test_make_executes_again_every_notebook_that_shows_an_arm(self):
        text = (paths.root() / "Makefile").read_text()
        (line,) = (line for line in text.splitlines() if line.startswith("ARM_NOTEBOOKS := "))
        shows = [
            path.name[:2]
            for path in sorted((paths.root() / "notebooks").glob("*.ipynb"))
            if "make arms" in notebook_source(path)
        ]
        assert line.split()[2:] == [f"notebook_{number}@small" for number in shows]


def test_no_two_stages_write_the_same_path():
    every = [path for name in STAGES for path in outs(name)]
    assert len(every) == len(set(every))


def test_stage_modules_and_stages_are_one_to_one():
    folder = paths.root() / "hipus" / "stages"
    runs = "runner.run(STAGE", "runner.run_always(STAGE"
    modules = {
        path.stem
        for path in folder.glob("*.py")
        if any(call in path.read_text(encoding="utf-8") for call in runs)
    }
    assert modules == {name for name in STAGES if not name.startswith("notebook_")}


def test_always_run_stages_are_the_two_that_look_at_the_machine():
    always = {name for name in STAGES if body(name).get("always_changed")}
    assert always == {"real_inputs", "machine"}
