"""The benchmarks of motion measure what is used, and their page shows what they measured."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest

from hipus import paths
from hipus.motion.prediction import trajectory
from hipus.motion.preparation import prepare

FOLDER = paths.root() / "benchmarks"
#: Every full-size sweep must take less than it took to record.
GOAL_S = 5.3


@pytest.fixture(scope="module")
def benchmark():
    """Return the benchmark of whole sweeps as a module."""
    specification = importlib.util.spec_from_file_location(
        "motion_sweeps_benchmark", FOLDER / "motion_sweeps.py"
    )
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # its dataclasses look their module up
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def sweep(benchmark):
    """Return a small sweep that is neither cut nor turned."""
    return benchmark.recording((56, 64), frames=9)


class TestWholeSweep:
    """What is measured is what a user gets."""

    def test_frames_become_poses_with_a_prediction_of_their_own(self, benchmark, sweep):
        predictor = benchmark.published_network(32)
        found = benchmark.poses_of(sweep, predictor, input_px=32)
        prepared = prepare(sweep, input_px=32, side="right", sweep_type="p_a", from_pictures=True)
        expected = trajectory(predictor.predict(prepared), prepared)
        assert found.T_centre_to_first.shape == (9, 4, 4)
        np.testing.assert_array_equal(found.T_centre_to_first, expected.T_centre_to_first)

    def test_a_sweep_that_was_cut_is_not_measured(self, benchmark, sweep, monkeypatch):
        cut = sweep.select(slice(0, 8))
        prepared = prepare(cut, input_px=32, side="right")
        monkeypatch.setattr(benchmark, "prepare", lambda *_, **__: prepared)
        with pytest.raises(ValueError, match="9 frames should be predicted, got 8"):
            benchmark.poses_of(sweep, benchmark.published_network(32), input_px=32)

    def test_neighbouring_frames_are_alike_and_distant_ones_are_not(self, sweep):
        frames = sweep.frames.reshape(len(sweep), -1).astype(float)
        near, far = (np.corrcoef(frames[0], frames[k])[0, 1] for k in (1, 5))
        assert near > 0.3
        assert abs(far) < 0.2

    def test_every_case_has_a_model_and_one_is_full_size_on_two_threads(self, benchmark):
        assert {case.model for case in benchmark.CASES} == set(benchmark.MODELS)
        for model in benchmark.MODELS:
            cases = {(c.shape, c.threads) for c in benchmark.CASES if c.model == model}
            assert {(benchmark.FULL_PX, 1), (benchmark.FULL_PX, 2)} <= cases


class TestPage:
    """The page and the saved tables say the same."""

    @pytest.fixture
    def section(self) -> str:
        """Return the page's section on motion."""
        page = (paths.root() / "docs" / "benchmarks.md").read_text(encoding="utf-8")
        return page.split("## Predicting motion")[1].split("\n## ")[0]

    @pytest.fixture
    def sweeps(self) -> pd.DataFrame:
        """Return the saved table of whole sweeps."""
        return pd.read_csv(FOLDER / "results" / "motion_sweeps.csv")

    def test_table_of_whole_sweeps_is_the_saved_one(self, section, sweeps):
        shown = [row for row in section.splitlines() if row.startswith(("| published", "| sweep"))]
        expected = [
            f"| {row.model} | {row.size.replace('x', ' × ')} | {row.threads} | {row.cpu_s:.2f} | "
            f"{row.wall_s:.2f} | {row.load:.1f} | {row.peak_mib:.0f} |"
            for row in sweeps.itertuples()
        ]
        assert shown == expected

    def test_full_size_sweep_takes_less_processor_time_than_it_took(self, sweeps):
        full = sweeps[(sweeps["size"] == "727x800") & (sweeps["threads"] == 1)]
        assert len(full) == 2
        assert (full["cpu_s"] < GOAL_S).all()

    @pytest.mark.parametrize(
        ("job", "size", "words"),
        [
            ("window inputs", "96x96", "laid out in {:.1f} ms"),
            ("network step", "96x96", "training step on it takes {:.0f} ms"),
            ("flow dis_fast", "96x96", "takes {:.2f} ms a pair at 96 px"),
            ("flow dis_fast", "727x800", "and {:.0f} ms at 727 × 800 px"),
        ],
    )
    def test_sentences_quote_the_saved_parts(self, section, job, size, words):
        table = pd.read_csv(FOLDER / "results" / "motion.csv").set_index(["job", "size"])
        said = words.format(table.loc[(job, size), "ms_per_unit"])
        assert said in " ".join(section.split())

    def test_inputs_come_faster_than_the_step_that_waits_for_them(self):
        table = pd.read_csv(FOLDER / "results" / "motion.csv").set_index(["job", "size"])
        for size in ("96x96", "128x128"):
            inputs = table.loc[("window inputs, half of them backwards", size), "ms_per_unit"]
            assert inputs < table.loc[("network step", size), "ms_per_unit"]
