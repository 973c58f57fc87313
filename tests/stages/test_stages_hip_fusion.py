"""Stage `hip_fusion` on a made hip: what fusing gains is known by construction, roughly."""

import logging
from types import SimpleNamespace

import made_hip_cohort as made
import numpy as np
import pandas as pd
import pytest

from hipus import paths, tables
from hipus.fusion import fuse
from hipus.fusion.joint import Level
from hipus.stages import hip_fusion, hip_fusion_hips, mask_volumes, motion_data
from hipus.stages.hip_fusion_hips import COLUMNS, DICE, KINDS, WAYS
from hipus.stages.segmentation_training import model_dir

LEVELS = (Level(2.0, 8.0, 12, 0), Level(1.6, 6.4, 12, 5))
HIP = ("S101", "left")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Write a cohort with one hip that has both sweeps, run the stage."""
    folder = tmp_path_factory.mktemp("hip_fusion")
    for study in made.opened_hips(folder):
        study.hip_fusion = SimpleNamespace(hips=5, resamples=30)
        model_dir("smoke", hip_fusion.MODEL_ID).mkdir(parents=True)
        (model_dir("smoke", hip_fusion.MODEL_ID) / "model.json").write_text("{}")
        with pytest.MonkeyPatch.context() as patch:
            see_what_is_there(patch)
            inputs = list(hip_fusion.main(study))
            yield SimpleNamespace(study=study, inputs=inputs)


def see_what_is_there(patch: pytest.MonkeyPatch) -> None:
    """Let the network return the truth of the very volume that it is shown, and refine briefly."""
    patch.setattr(hip_fusion_hips, "grey_of", lambda volume: volume)
    patch.setattr(mask_volumes, "segment_volume", lambda _, __, volume: volume.labels["truth"])
    patch.setitem(fuse.fuse_sweeps.__kwdefaults__, "levels", LEVELS)


def table(name: str) -> pd.DataFrame:
    """Return a table that the stage wrote."""
    return tables.read(paths.table_file("smoke", name), dtype={"subject_id": str})


@pytest.fixture(scope="module")
def hips(run) -> pd.DataFrame:
    """Return the stage's table by poses and masks."""
    return table("hip_fusion").set_index(["poses", "masks"])


class TestPairs:
    def test_only_test_hips_with_both_sweeps_are_fused(self, run):
        pairs = hip_fusion.pairs_of(run.study)
        assert [(one.subject_id, one.side) for one in pairs] == [HIP]
        assert {kind: row.sweep_id for kind, row in pairs[0].rows.items()} == {
            "p_a": "left_p_a",
            "p_d": "left_p_d",
        }
        assert str(pairs[0]) == "left hip of S101"

    def test_fewer_hips_are_spread_over_the_subjects(self, run, monkeypatch):
        rows = pd.concat(
            [
                motion_data.sweep_rows(run.study).assign(subject_id=f"S{k}", cohort="test")
                for k in range(5)
            ]
        )
        rows = rows[rows.sweep_id.isin(["left_p_a", "left_p_d"])]
        monkeypatch.setattr(motion_data, "sweep_rows", lambda _, **__: rows)
        monkeypatch.setattr(hip_fusion, "has_truth", lambda _, r: pd.Series(True, r.index))
        few = SimpleNamespace(**vars(run.study) | {"hip_fusion": SimpleNamespace(hips=3)})
        assert [one.subject_id for one in hip_fusion.pairs_of(few)] == ["S0", "S2", "S4"]

    def test_the_inputs_are_files_that_are_there(self, run):
        names = {path.name for path in run.inputs}
        assert {"subjects.csv", "sweeps.csv", "model.json", "left_p_a.igs.mha"} <= names
        assert all(path.is_file() for path in run.inputs)


class TestRows:
    def test_every_kind_of_poses_and_masks_has_a_row_with_every_column(self, hips):
        assert sorted(hips.index) == [
            ("predicted", "model"),
            ("predicted", "truth"),
            ("tracked", "model"),
            ("tracked", "truth"),
        ]
        assert list(table("hip_fusion").columns) == COLUMNS
        assert hips.fusion_refusal.isna().all()

    @pytest.mark.parametrize("kind", KINDS)
    def test_ways_that_were_too_short_come_closer_to_the_truth(self, hips, kind):
        row = hips.loc["predicted", "truth"]
        assert row[f"{kind}_drift_mm_before"] > 0.5
        assert row[f"{kind}_drift_mm_after"] < 0.75 * row[f"{kind}_drift_mm_before"]
        assert 1.03 < row[f"factor_{kind}"] < 1.35  # 1 / 0.85 undoes it

    def test_registration_gets_better(self, hips):
        row = hips.loc["predicted", "truth"]
        assert row.registration_mean_mm_after < 0.8 * row.registration_mean_mm_before
        assert row.registration_p95_mm_after >= row.registration_mean_mm_after
        assert row.registration_seen_share > 0.9

    @pytest.mark.parametrize("kind", KINDS)
    def test_tracked_poses_are_nearly_left_alone(self, hips, kind):
        row = hips.loc["tracked", "truth"]
        assert row[f"{kind}_drift_mm_before"] < 0.01  # this tracker has no noise
        assert row[f"{kind}_drift_mm_after"] < 0.12

    def test_a_network_that_sees_the_truth_gives_the_same_numbers(self, hips):
        for poses in ("tracked", "predicted"):
            by_truth, by_model = (hips.loc[poses, masks] for masks in ("truth", "model"))
            assert by_model.alpha_deg_fused == pytest.approx(by_truth.alpha_deg_fused)

    def test_fused_from_good_poses_the_hip_is_measured_as_it_was_made(self, hips):
        row = hips.loc["tracked", "truth"]
        hip = made.hip_of(*HIP)
        assert row.alpha_deg_truth == hip.alpha_deg
        assert row.alpha_deg_fused == pytest.approx(hip.alpha_deg, abs=4)
        assert row.head_radius_mm_fused == pytest.approx(hip.radius_mm, abs=0.5)

    def test_dice_of_good_poses_is_high_and_that_of_a_short_way_lower(self, hips):
        good, short = (hips.loc[poses, "truth"] for poses in ("tracked", "predicted"))
        assert good.dice_femoral_head_fused > 0.9
        assert short.dice_femoral_head_p_d < good.dice_femoral_head_p_d
        for name in DICE:
            for way in WAYS:
                assert 0 <= good[f"{name}_{way}"] <= 1

    def test_the_shell_about_the_head_is_known_for_the_most_part(self, hips):
        assert hips.known_share.between(0.7, 1.0).all()


class TestRefusal:
    def test_a_pair_that_cannot_be_fused_stays_with_its_reason(self, run, monkeypatch):
        def refuse(*_, **__):
            raise ValueError("S101/left_p_a: label ilium is missing")

        monkeypatch.setattr(hip_fusion_hips, "fuse_sweeps", refuse)
        cohort = motion_data.cohort_of(run.study)
        pair = hip_fusion.pairs_of(run.study)[0]
        found = hip_fusion_hips.fuse_all_ways(
            pair, study=run.study, cohort=cohort, poses=("tracked",), masks=("truth",)
        )
        row = hip_fusion_hips.row_of(found[0], pair, cohort)
        assert row["fusion_refusal"] == "S101/left_p_a: label ilium is missing"
        assert np.isnan(row["alpha_deg_fused"])
        assert np.isnan(row["registration_mean_mm_before"])
        assert np.isfinite(row["alpha_deg_p_a"])
        assert set(row) == set(COLUMNS)


class TestWritten:
    def test_the_summary_compares_before_and_after_with_one_subject(self, run):
        summary = table("hip_fusion_summary")
        assert set(summary.group) == {"test", "all"}
        row = summary[
            (summary.group == "all")
            & (summary.poses == "predicted")
            & (summary.masks == "truth")
            & (summary.quantity == "drift_mm")
        ].iloc[0]
        assert row.difference < 0
        assert row.worst_subject == "S101"
        assert row.subject_count == row.hip_count == 1

    def test_the_figure_input_holds_sections_of_the_hip(self, run):
        with np.load(paths.figure_input_file("smoke", "hip_fusion")) as stored:
            arrays = dict(stored)
        assert str(arrays["hip"]) == "left hip of S101"
        shapes = set()
        for way in WAYS:
            for name in ("grey", "labels"):
                for section in ("coronal", "transverse"):
                    shapes.add(arrays[f"{way}_{section}_{name}"].shape)
        assert shapes == {arrays["truth_coronal_labels"].shape}
        ours, truth = (arrays[f"{w}_coronal_labels"] == 2 for w in ("fused", "truth"))
        assert 2 * (ours & truth).sum() / (ours.sum() + truth.sum()) > 0.75
        up = np.argwhere(arrays["truth_coronal_labels"] == 1)[:, 0].mean()
        assert up < np.argwhere(truth)[:, 0].mean()  # the ilium is above the head

    def test_metrics_tell_the_goals(self, run):
        import json

        found = json.loads(paths.metrics_file("smoke", "hip_fusion").read_text())
        assert found["hip_count"] == found["subject_count"] == 1
        assert found["predicted_unfused_count"] == 0
        assert found["goal_drift_mm_is_halved"] == int(found["goal_drift_mm_ratio"] <= 0.5)


class TestSkip:
    @pytest.mark.parametrize("what", ["model", "hips"])
    def test_without_a_model_or_hips_the_stage_says_so(self, run, what, monkeypatch, caplog):
        written = {}
        if what == "model":
            monkeypatch.setattr(mask_volumes, "is_trained", lambda *_: False)
        else:
            monkeypatch.setattr(hip_fusion, "pairs_of", lambda _: [])
        runner = hip_fusion.runner
        monkeypatch.setattr(runner, "write_empty", lambda _, columns: written.update(columns))
        monkeypatch.setattr(runner, "write_figure_input", lambda *a: written.update(npz=a[2]))
        monkeypatch.setattr(hip_fusion.tables, "write_metrics", lambda m, _: written.update(json=m))
        with caplog.at_level(logging.WARNING, logger="hipus"):
            assert hip_fusion.main(run.study) == []
        assert "hip_fusion SKIPPED" in caplog.text
        assert written["hip_fusion"] == COLUMNS
        assert written["npz"] == written["json"] == {}
