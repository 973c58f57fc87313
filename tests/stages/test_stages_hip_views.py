"""Which sweep a figure shows, and its Graf plane by every kind of poses."""

from dataclasses import replace

import made_hip_cohort as made
import numpy as np
import pandas as pd
import pytest

from hipus.labels import HipLabel
from hipus.stages import hip_cells, hip_views, motion_data


def measures(*rows: dict) -> pd.DataFrame:
    """Return test rows of table hip_measures by predicted poses and model masks."""
    usual = {"sweep_id": "left_p_d", "sweep_type": "p_d", "cohort": "test", "poses": "predicted",
             "masks": "model", "alpha_deg": 60.0, "head_shape_mm": 0.5}  # fmt: skip
    return pd.DataFrame([usual | row for row in rows])


class TestTypicalSweep:
    def test_the_median_shape_is_shown_neither_best_nor_worst(self):
        table = measures(
            *(
                {"subject_id": s, "head_shape_mm": v}
                for s, v in (("A", 0.9), ("B", 0.1), ("C", 0.4))
            )
        )
        assert hip_views.typical_sweep(table) == "C/left_p_d"

    def test_of_an_even_count_the_better_middle_one_is(self):
        table = measures({"subject_id": "A", "head_shape_mm": 0.9}, {"subject_id": "B"})
        assert hip_views.typical_sweep(table) == "B/left_p_d"

    @pytest.mark.parametrize(
        "other",
        [{"sweep_type": "p_a"}, {"cohort": "dysplastic"}, {"alpha_deg": np.nan},
         {"poses": "rounded"}, {"masks": "truth"}],
    )  # fmt: skip
    def test_other_sweeps_are_not_asked(self, other):
        better = {"subject_id": "Z", "head_shape_mm": 0.0} | other
        assert hip_views.typical_sweep(measures({"subject_id": "A"}, better)) == "A/left_p_d"

    def test_a_sweep_that_is_refused_by_other_poses_is_not_shown(self):
        sweeps = [{"subject_id": s, "poses": p, "head_shape_mm": v}
                  for s, v in (("A", 0.9), ("B", 0.4), ("C", 0.1))
                  for p in ("predicted", "true")]  # fmt: skip
        table = measures(*sweeps)
        table.loc[(table.subject_id == "B") & (table.poses == "true"), "alpha_deg"] = np.nan
        assert hip_views.typical_sweep(table) == "C/left_p_d"

    def test_a_sweep_that_one_kind_of_poses_refuses_gives_way_to_one_that_all_measure(self):
        table = measures(
            {"subject_id": "A", "head_shape_mm": 0.1},
            {"subject_id": "A", "poses": "rounded", "alpha_deg": np.nan},
            {"subject_id": "B", "head_shape_mm": 0.9},
            {"subject_id": "B", "poses": "rounded"},
        )
        assert hip_views.typical_sweep(table) == "B/left_p_d"

    def test_without_an_ordinary_p_d_sweep_any_predicted_one_is_shown(self):
        table = measures({"subject_id": "A", "sweep_type": "p_a", "sweep_id": "left_p_a"})
        assert hip_views.typical_sweep(table) == "A/left_p_a"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the study of made hips."""
    yield from made.opened_hips(tmp_path_factory.mktemp("views"))


@pytest.fixture(scope="module")
def shown(study):
    """Return the figure input of a sweep."""
    row = made.row_of(study, "S101", "left_p_d")
    return hip_views.shown_sweep(row, study=study, cohort=motion_data.cohort_of(study))


class TestShownSweep:
    def test_every_kind_of_poses_has_its_plane(self, shown):
        assert str(shown["sweep"]) == "S101/left_p_d"
        shape = (round((24 + 17) / 0.25) + 1, round(2 * 17 / 0.25) + 1)
        for poses in hip_cells.ALL_POSES:
            for name in ("grey", "labels", "truth"):
                assert shown[f"{poses}_{name}"].shape == shape
                assert shown[f"{poses}_{name}"].dtype == np.uint8

    def test_the_head_is_a_disc_about_its_centre_and_the_wing_above_it(self, shown):
        labels, side = shown["true_labels"], float(shown["side_mm"])
        v, u = np.nonzero(labels == HipLabel.FEMORAL_HEAD)
        away = np.hypot(hip_views.ABOVE_MM - v * side, hip_views.HALF_MM - u * side)
        assert away.max() < 8.0 + 1.0
        assert len(v) * side**2 == pytest.approx(np.pi * 8.0**2, rel=0.08)
        assert np.nonzero(labels == HipLabel.ILIUM)[0].mean() < v.mean()

    def test_landmarks_lie_where_the_picture_shows_them(self, shown):
        names, places = shown["true_names"].tolist(), shown["true_landmarks_mm"]
        points = dict(zip(names, places, strict=True))
        assert names[-1] == "head_centre"
        assert np.linalg.norm(points["head_centre"]) < 0.5
        assert points["wing_cranial"][1] > points["bony_rim"][1] > points["lower_limb"][1]
        # Lateral is positive: the roof goes from the rim to medial.
        assert points["bony_rim"][0] > points["lower_limb"][0]

    def test_alpha_is_the_measured_one(self, shown, study):
        row, cohort = made.row_of(study, "S101", "left_p_d"), motion_data.cohort_of(study)
        found = hip_cells.measure_sweep(row, study=study, cohort=cohort, masks=("model",))
        for one in found:
            assert float(shown[f"{one['poses']}_alpha_deg"]) == one["alpha_deg"]

    def test_poses_without_a_plane_are_left_out(self, study, monkeypatch):
        row, cohort = made.row_of(study, "S101", "left_p_d"), motion_data.cohort_of(study)
        found = list(hip_cells.place_sweep(row, study=study, cohort=cohort, masks=("model",)))
        found[1] = replace(found[1], model_labels=np.zeros_like(found[1].model_labels))
        monkeypatch.setattr(hip_views, "place_sweep", lambda *_, **__: found)
        shown = hip_views.shown_sweep(row, study=study, cohort=cohort)
        assert not [name for name in shown if name.startswith(f"{found[1].poses}_")]
        assert "rounded_grey" in shown

    def test_a_sweep_without_truth_is_shown_without(self, study, monkeypatch):
        row, cohort = made.row_of(study, "S101", "left_p_d"), motion_data.cohort_of(study)
        (first, *_) = hip_cells.place_sweep(row, study=study, cohort=cohort, masks=("model",))
        bare = replace(first, volume=replace(first.volume, labels={}))
        monkeypatch.setattr(hip_views, "place_sweep", lambda *_, **__: [bare])
        shown = hip_views.shown_sweep(row, study=study, cohort=cohort)
        assert "true_labels" in shown
        assert "true_truth" not in shown
