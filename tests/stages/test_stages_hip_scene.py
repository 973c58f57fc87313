"""Which hips the report turns, and what is kept of them."""

from types import SimpleNamespace

import made_hip_cohort as made
import numpy as np
import pandas as pd
import pytest
from made_hips import MadeHip, put_in_volume

from hipus import images, paths, tables
from hipus.images import Volume
from hipus.stages import hip_scene, mask_volumes

TRUTH = {"poses": "true", "masks": "truth"}


def errors(*rows: dict) -> pd.DataFrame:
    """Return rows of table hip_errors, each measured by the model and by truth."""
    usual = {"sweep_id": "left_p_d", "sweep_type": "p_d", "cohort": "test", "poses": "predicted",
             "masks": "model", "measure": "alpha_deg", "value": 60.0, "calibrated": 61.0,
             "lower": 50.0, "upper": 70.0, "truth": 65.0, "error": 1.0}  # fmt: skip
    rows = [usual | row for row in rows]
    return pd.DataFrame([*rows, *({**row, **TRUTH, "value": 60.0} for row in rows)])


class TestChosen:
    def test_of_each_kind_the_median_error_is_shown_whatever_its_sign(self):
        table = errors(
            {"subject_id": "A", "error": -9.0},
            {"subject_id": "B", "error": 0.1},
            {"subject_id": "C", "error": -3.0},
            {"subject_id": "D", "cohort": "dysplastic", "truth": 48.0, "error": 2.0},
        )
        assert hip_scene.chosen_sweeps(table) == {
            "mature": ("C", "left_p_d"),
            "dysplastic": ("D", "left_p_d"),
        }

    def test_sixty_degrees_are_mature_and_less_is_not(self):
        table = errors({"subject_id": "A", "truth": 60.0}, {"subject_id": "B", "truth": 59.9})
        found = hip_scene.chosen_sweeps(table)
        assert found == {"mature": ("A", "left_p_d"), "dysplastic": ("B", "left_p_d")}

    @pytest.mark.parametrize(
        "other",
        [{"sweep_type": "p_a"}, {"cohort": "repeats"}, {"value": np.nan}, {"poses": "tracked"},
         {"masks": "rater"}, {"measure": "alpha_anterior_deg"}],
    )  # fmt: skip
    def test_others_are_not_asked(self, other):
        assert hip_scene.chosen_sweeps(errors({"subject_id": "A"} | other)[:1]) == {}

    def test_a_hip_whose_truth_cannot_be_measured_is_not_shown(self):
        table = errors({"subject_id": "A"})
        table.loc[table.masks == "truth", "value"] = np.nan
        assert hip_scene.chosen_sweeps(table) == {}


def way(masks="model", poses="predicted", alpha_deg=60.0, **options) -> hip_scene.Way:
    """Return a made hip as one way shows it."""
    volume = put_in_volume(MadeHip(alpha_deg=alpha_deg, **options), np.eye(3))
    grey = np.where(volume.labels > 0, 180, 60).astype(np.uint8)
    return hip_scene.Way(masks, poses, *(Volume(one, volume.spacing_zyx_mm)
                                         for one in (grey, volume.labels)))  # fmt: skip


@pytest.fixture(scope="module")
def arrays() -> dict:
    """Return what is kept of a made hip with one interval."""
    table = errors({"subject_id": "A"})
    return hip_scene.hip_arrays(0, "left", [way()], errors=table[table.masks == "model"])


class TestArrays:
    def test_every_plane_has_a_section_lines_and_alpha_or_a_refusal(self, arrays):
        alpha, refusal = arrays["0_model_alpha_deg"], arrays["0_model_refusal"]
        assert len(alpha) == 19
        assert (np.isnan(alpha) == (refusal != "")).all()
        assert alpha[9] == pytest.approx(60.0, abs=2.0)
        assert arrays["0_model_grey"].shape == arrays["0_model_labels"].shape == (19, 100, 98)
        assert arrays["0_model_wing_mm"].shape == arrays["0_model_roof_mm"].shape == (19, 2, 2)

    def test_surfaces_are_kept_in_hundredths_of_a_millimetre(self, arrays):
        head = arrays["0_model_femoral_head_vertices"]
        assert head.dtype == np.int16
        reach = np.linalg.norm(head.astype(float), axis=1) * hip_scene.VERTEX_MM
        assert reach.mean() == pytest.approx(8.0, abs=0.4)
        assert arrays["0_model_femoral_head_faces"].max() == len(head) - 1

    def test_intervals_stand_at_the_planes_that_they_were_calibrated_for(self, arrays):
        lower = arrays["0_model_lower_deg"]
        assert np.flatnonzero(np.isfinite(lower)).tolist() == [9]  # only alpha itself was given
        assert lower[9] == 50.0
        assert arrays["0_model_calibrated_deg"][9] == 61.0
        assert arrays["0_model_truth_deg"][9] == 65.0

    def test_front_and_back_have_intervals_of_their_own(self):
        table = errors(
            {"subject_id": "A", "measure": "alpha_anterior_deg", "lower": 40.0},
            {"subject_id": "A", "measure": "alpha_posterior_deg", "lower": 45.0},
        )
        arrays = hip_scene.hip_arrays(1, "left", [way()], errors=table[table.masks == "model"])
        lower = arrays["1_model_lower_deg"]
        assert lower[[4, 14]].tolist() == [40.0, 45.0]
        places = arrays["1_model_posterior_mm"] / arrays["1_model_radius_mm"]
        assert places[[4, 14]].tolist() == pytest.approx([-0.5, 0.5])

    def test_without_errors_nothing_is_said_of_intervals(self):
        arrays = hip_scene.hip_arrays(0, "left", [way()])
        assert not [name for name in arrays if "lower" in name or "truth" in name]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the study of made hips."""
    for found in made.opened_hips(tmp_path_factory.mktemp("scene")):
        found.cohort = SimpleNamespace(source="simulated")
        yield found


def shown(study) -> dict:
    """Run the stage; return what it left."""
    hip_scene.main(study)
    with np.load(paths.figure_input_file(study.profile, "hip_scene")) as stored:
        return dict(stored)


class TestStage:
    def test_a_simulated_hip_is_shown_by_truth_and_by_the_model(self, study):
        table = errors({"subject_id": "S101"})
        tables.write(table, paths.table_file(study.profile, "hip_errors"), key=["masks"])
        found = shown(study)
        assert found["hips"].tolist() == ["mature S101/left_p_d"]
        assert str(found["origin"]) == "simulated"
        assert found["0_ways"].tolist() == ["truth", "model"]
        assert str(found["0_truth_poses"]) == "true"
        assert str(found["0_model_poses"]) == "predicted"
        again = paths.figure_input_file(study.profile, "hip_scene").read_bytes()
        shown(study)
        assert paths.figure_input_file(study.profile, "hip_scene").read_bytes() == again

    def test_without_truth_the_stored_hip_of_the_median_alpha_stands_alone(
        self, study, monkeypatch
    ):
        empty = errors({"subject_id": "A"}).iloc[:0]
        tables.write(empty, paths.table_file(study.profile, "hip_errors"), key=["masks"])
        rows = pd.DataFrame({"subject_id": list("ABC"), "sweep_id": "left_p_d", "side": "left"})
        monkeypatch.setattr(mask_volumes, "volume_cases", lambda study: rows)
        folder = hip_scene.masks_dir(study.profile) / hip_scene.MODEL_ID
        folder.mkdir(parents=True, exist_ok=True)
        for row, alpha in zip(rows.itertuples(), (70.0, 52.0, 61.0), strict=True):
            one = way(alpha_deg=alpha)
            images.write(one.labels, mask_volumes.mask_file(folder, row))
        monkeypatch.setattr(mask_volumes, "read_grey", lambda study, row: one.grey)
        found = shown(study)
        assert found["hips"].tolist() == ["typical C/left_p_d"]
        assert found["0_ways"].tolist() == ["model"]
        assert str(found["0_model_poses"]) == "stored"

    def test_where_there_is_nothing_the_stage_says_so_and_leaves_nothing(
        self, study, monkeypatch, caplog
    ):
        empty = errors({"subject_id": "A"}).iloc[:0]
        tables.write(empty, paths.table_file(study.profile, "hip_errors"), key=["masks"])
        rows = pd.DataFrame({"subject_id": ["Z"], "sweep_id": "left_p_d", "side": "left"})
        monkeypatch.setattr(mask_volumes, "volume_cases", lambda study: rows)
        assert shown(study) == {}
        assert "hip_scene SKIPPED: no hip was measured" in caplog.text

    def test_a_sweep_that_is_never_predicted_is_told(self):
        with pytest.raises(ValueError, match="must be placed by predicted poses, got 0 other"):
            hip_scene._ways([])
