"""Stage `segmentation_views` on a made cohort: what is shown, where it lies, how large it is."""

from types import SimpleNamespace

import made_labelled_cohort as made
import numpy as np
import pandas as pd
import pytest
from made_segmentation_results import rubbed
from study_folders import make_study_folder, without_real_data

from hipus import images, parallel, paths, tables
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask, write_mask
from hipus.segmentation import volume_scores
from hipus.segmentation.frame_label_files import FrameLabels, label_file, write_frame_labels
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.stages import (
    mask_volumes,
    motion_data,
    segmentation_scores,
    segmentation_views,
    sweep_volumes,
)
from hipus.stages import segmentation_view_parts as parts

SUBJECTS = [
    ("S001", "study", "train", 1, 1), ("S046", "study", "validation", 1, 1),
    ("S049", "study", "test", 1, 1), ("S101", "test", "test", 0, 0), ("S102", "test", "test", 0, 0),
]  # fmt: skip
STUDY = SimpleNamespace(
    profile="smoke", sweep_volumes=SimpleNamespace(spacing_mm=0.9, widest_gap_mm=2.0)
)
#: Share of voxels that a mask lacks.
LACK = {"2.1": 0.4, "2.2": 0.3, "2.3": 0.2, "3.1": 0.1, "3.2": 0.05}


class FakeSegmenter:
    """Labels a frame by its grey values: the same frame gives the same mask."""

    def __init__(self, model_id):
        """Remember the model."""
        self.model_id, self.seen = model_id, []

    def segment_frames(self, frames, *, spacing_yx_mm):
        """Return bright pixels as ilium."""
        self.seen.append((len(frames), spacing_yx_mm))
        return (frames > 150).astype(np.uint8)


@pytest.fixture(scope="module")
def fakes():
    """Return the segmenters that the stage used, by model."""
    return {model: FakeSegmenter(model) for model in volume_scores.FRAME_MODELS}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, fakes):
    """Make cohort, volumes, masks and tables, and run the stage."""
    folder = make_study_folder(tmp_path_factory.mktemp("views"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        patch.setattr(made, "SUBJECTS", SUBJECTS)
        patch.setattr(mask_volumes, "segmenter", lambda profile, model: fakes[model])
        made.write_labelled_cohort()
        sweep_volumes.main(STUDY)
        write_masks()
        write_labels()
        yield list(segmentation_views.main(STUDY))


def judged_rows() -> pd.DataFrame:
    """Return the test sweeps."""
    return motion_data.sweep_rows(STUDY, split="test")


def write_masks() -> None:
    """Write all masks of the test volumes, and scores of which S102's are the worst."""
    rng, results, rows = np.random.default_rng(0), paths.results_dir("smoke"), []
    for place, case in enumerate(judged_rows().itertuples()):
        truth = read_mask(segmentation_scores.reference_file(results, "insonified_truth", case))
        written = {
            segmentation_scores.prediction_file(results, model, case): share
            for model, share in LACK.items()
        }
        written[segmentation_scores.reference_file(results, "corrected_label", case)] = 0.01
        written[results / "first_masks" / f"{case.subject_id}_{case.sweep_id}.mha"] = 0.3
        for path, share in written.items():
            array = rubbed(truth.array, share, rng)
            volume = images.Volume(array, truth.spacing_zyx_mm, truth.origin_xyz_mm)
            write_mask(volume, path, scheme="hip", made_by="a test", origin="simulated")
        about = {name: getattr(case, name) for name in (*SWEEP_KEY, "side", "sweep_type", "cohort")}
        for name in volume_scores.STRUCTURE_NAMES:
            about |= {"structure": name, "dice": 0.95 - 0.01 * place}
            rows.append(about | {"model_id": "3.2", "reference": "insonified_truth"})
    path = paths.table_file("smoke", "segmentation_cases")
    tables.write(pd.DataFrame(rows), path, key=[*SWEEP_KEY, "structure"])


def write_labels() -> None:
    """Write labels of every third frame of the study's test subject: its truth."""
    cohort, rows = motion_data.cohort_of(STUDY), []
    folder = paths.results_dir("smoke") / "annotations" / "frames"
    for row in judged_rows().query("cohort == 'study'").itertuples():
        sweep = open_study_sweep(cohort, row)
        index = sweep.first_frame + np.arange(0, len(sweep), 3)
        labels = FrameLabels(index, sweep.masks[::3])
        write_frame_labels(labels, label_file(folder, row.subject_id, row.sweep_id))
        for frame, mask in zip(index, labels.masks, strict=True):
            counts = {
                f"pixels_{name}": int((mask == k).sum())
                for k, name in enumerate(volume_scores.STRUCTURE_NAMES, start=1)
            }
            key = {"subject_id": row.subject_id, "sweep_id": row.sweep_id, "split": "test"}
            rows.append({**key, "frame_index": frame, **counts})
    tables.write(pd.DataFrame(rows), paths.table_file("smoke", "frame_labels"), key=[])


def view(name) -> dict:
    """Return a figure input."""
    with np.load(paths.figure_input_file("smoke", name)) as stored:
        return dict(stored)


class TestFrame:
    def test_it_is_labelled_and_shown_with_what_2d_models_make_of_it(self, inputs, fakes):
        arrays = view("segmentation_frame")
        assert str(arrays["name"]).startswith("S049/")
        expected = (arrays["frame"] > 150).astype(np.uint8)
        for model in volume_scores.FRAME_MODELS:
            np.testing.assert_array_equal(arrays[f"frame_{model}"], expected)
        np.testing.assert_array_equal(arrays["label"], arrays["truth"])
        assert set(np.unique(arrays["label"])) == {0, 1, 2, 3, 4}
        assert arrays["pixel_side_mm"] == pytest.approx(made.SIDE_MM)

    def test_networks_see_its_neighbours(self, inputs, fakes):
        assert fakes["2.3"].seen == [(5, (made.SIDE_MM, made.SIDE_MM))]

    def test_volumes_are_cut_in_its_plane(self, inputs):
        arrays = view("segmentation_frame")
        truth, cut = arrays["truth"], arrays["volume_truth"]
        assert cut.shape == truth.shape
        overlap = 2 * ((cut == 2) & (truth == 2)).sum() / ((cut == 2).sum() + (truth == 2).sum())
        assert overlap > 0.9
        inner = slice(6, -6), slice(6, -6)
        grey, frame = arrays["volume_grey"][inner], arrays["frame"][inner]
        assert np.corrcoef(grey.ravel(), frame.ravel())[0, 1] > 0.85
        lacking = [(arrays[f"volume_{one}"] > 0).sum() for one in ("2.3", "3.1", "3.2", "truth")]
        assert lacking == sorted(lacking)
        assert lacking[0] < lacking[-1]


class TestVolumes:
    def test_rounds_hold_planes_and_surfaces_of_every_stage(self, inputs):
        arrays = view("segmentation_rounds")
        grey = arrays["grey_across_z"]
        for name in ("truth", "reconstructed", "corrected", "3.1", "3.2"):
            assert arrays[f"{name}_across_z"].shape == grey.shape
            assert arrays[f"{name}_across_x"].shape == arrays["grey_across_x"].shape
        for name in ("reconstructed", "corrected", "3.1", "3.2"):
            vertices = arrays[f"{name}_femoral_head_vertices_xyz_mm"]
            assert len(vertices) > arrays[f"{name}_femoral_head_faces"].max() > 0
        assert str(arrays["name"]).startswith("S049/")
        # The plane goes through the head's centre.
        assert (arrays["truth_across_z"] == 2).sum() > 50

    def test_hips_are_of_both_sides_swept_both_ways(self, inputs):
        arrays = view("segmentation_hips")
        names = {key: str(arrays[f"{key}_name"]) for key in ("p_d_left", "p_a_right")}
        assert names["p_d_left"].endswith("left_p_d")
        assert names["p_a_right"].endswith("right_p_a")
        assert "p_d_right_3.2_ilium_faces" in arrays
        assert 0.8 < arrays["p_a_left_dice"] < 1

    def test_failures_are_the_worst_volumes_the_worst_first(self, inputs):
        arrays = view("segmentation_failures")
        dice = [float(arrays[f"worst{place}_dice"]) for place in (1, 2, 3)]
        assert dice == sorted(dice)
        assert str(arrays["worst1_name"]).startswith("S102/")
        assert "worst4_dice" not in arrays
        assert (arrays["worst1_truth_across_z"] != arrays["worst1_3.2_across_z"]).any()

    def test_all_inputs_together_are_small_and_named(self, inputs):
        files = list(paths.figure_input_file("smoke", "x").parent.glob("segmentation_*.npz"))
        assert len(files) == 4
        assert sum(path.stat().st_size for path in files) < 1_000_000
        assert all(path.is_file() for path in inputs)

    def test_a_run_repeated_gives_the_same_bytes(self, inputs):
        path = paths.figure_input_file("smoke", "segmentation_rounds")
        before = path.read_bytes()
        volumes = parts.judged(
            tables.read(paths.table_file("smoke", "segmentation_cases"), dtype=volume_scores.TEXT)
        )
        own = volumes[volumes.cohort == "study"]
        arrays = segmentation_views.rounds_view(STUDY, parts.typical(own))
        segmentation_views.runner.write_figure_input(STUDY, "segmentation_rounds", arrays)
        assert path.read_bytes() == before


class TestChoices:
    def test_a_typical_volume_has_the_median_dice(self):
        volumes = pd.DataFrame({"dice": [0.1, 0.5, 0.6, 0.9]})
        assert parts.typical(volumes).dice == 0.5
        assert parts.typical(volumes.iloc[:3]).dice == 0.5

    def test_hips_are_of_different_subjects_where_there_are_enough(self):
        rows = [
            (f"S{k}", f"{side}_{kind}", side, kind, "test", 0.5 + 0.1 * k)
            for k in range(4) for kind, side in parts.VIEWS
        ]  # fmt: skip
        columns = ["subject_id", "sweep_id", "side", "sweep_type", "cohort", "dice"]
        volumes = pd.DataFrame(rows, columns=columns)
        found = parts.unique_hips(volumes)
        assert len({case.subject_id for case in found.values()}) == 4
        few = parts.unique_hips(volumes[(volumes.subject_id == "S0") & (volumes.side == "left")])
        assert list(few) == ["p_d_left", "p_a_left"]

    def frames(self, pixels):
        """Return labelled frames 3, 6, 9 of a sweep with so many head pixels."""
        table = pd.DataFrame({"subject_id": "S", "sweep_id": "a", "frame_index": [3, 6, 9]})
        counts = {f"pixels_{name}": 5 for name in volume_scores.STRUCTURE_NAMES}
        return table.assign(**counts | {"pixels_femoral_head": pixels})

    def test_the_frame_shows_most_structures_then_lies_in_the_middle(self):
        key = ("S", "a")
        assert parts.shown_frame(self.frames([9, 9, 9]), {key: np.arange(12)}).frame_index == 6
        assert parts.shown_frame(self.frames([0, 0, 9]), {key: np.arange(12)}).frame_index == 9
        assert parts.shown_frame(self.frames([9, 9, 9]), {key: np.arange(5)}).frame_index == 3

    def test_no_frame_with_a_pose_is_an_error(self):
        with pytest.raises(ValueError, match="none of 3 labelled frames has a pose"):
            parts.shown_frame(self.frames([1, 1, 1]), {("S", "a"): np.arange(2)})

    def test_large_pictures_are_thinned_and_say_so(self):
        pictures = {"a": np.arange(700 * 400).reshape(700, 400)}
        found = parts.thinned(pictures, 0.1)
        assert found["a"].shape == (234, 134)
        assert found["a"][1, 1] == 3 * 400 + 3
        assert found["pixel_side_mm"] == pytest.approx(0.3)

    def test_planes_of_a_failure_hold_most_errors(self):
        truth = np.zeros((4, 5, 6), np.uint8)
        prediction = truth.copy()
        prediction[2, 1:4, 5] = prediction[1, 1, 5] = prediction[2, 3, 0] = 1
        assert parts.most_wrong(prediction, truth) == (2, 1, 5)

    def test_a_volume_without_a_head_is_cut_in_its_middle(self):
        assert parts.head_centre(np.ones((4, 6, 9), np.uint8)) == (2, 3, 4)

    def test_labels_outside_the_volume_are_background(self):
        volume = images.Volume(np.ones((3, 3, 3), np.uint8), (1.0, 1.0, 1.0))
        plane = parts.in_plane(volume, T_pixel_to_world=np.eye(4), shape_hw=(5, 4))
        assert plane.sum() == 9
        assert plane[:3, :3].all()


def test_without_judged_volumes_the_figure_inputs_are_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    path = paths.table_file("smoke", "segmentation_cases")
    tables.write(
        pd.DataFrame(columns=segmentation_scores.COLUMNS["segmentation_cases"]), path, key=[]
    )
    assert list(segmentation_views.main(STUDY)) == []
    assert view("segmentation_hips") == {}
