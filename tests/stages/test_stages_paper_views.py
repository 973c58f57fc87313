"""Stage `paper_views` on a made cohort: which frames, whose poses, which way is up."""

from types import SimpleNamespace

import made_labelled_cohort as made
import numpy as np
import pandas as pd
import pytest
from made_segmentation_results import rubbed
from study_folders import make_study_folder, without_real_data

from hipus import images, parallel, paths, rotations, tables
from hipus.formats.mask_files import read_mask, write_mask
from hipus.motion.poses import mirrored
from hipus.motion.predictions import PosePrediction, write_predictions
from hipus.segmentation.frame_label_files import FrameLabels, label_file, write_frame_labels
from hipus.segmentation.sweep_volumes import open_study_sweep
from hipus.segmentation.volume_scores import STRUCTURE_NAMES
from hipus.stages import (
    motion_data,
    motion_fit,
    paper_views,
    runner,
    segmentation_scores,
    sweep_volumes,
)

SUBJECTS = [("S001", "study", "train", 1, 1), ("S049", "study", "test", 1, 1)]
STUDY = SimpleNamespace(
    profile="smoke", sweep_volumes=SimpleNamespace(spacing_mm=0.9, widest_gap_mm=2.0)
)
#: Volumes that are shown, and the frame; the first was recorded with a turned probe.
TURNED, ROUNDS, FRAME = "S001/right_p_a", "S049/left_p_d", "S049/left_p_a frame 7"
#: Share of each structure that masks of a round lack.
LACK = {"reconstructed": 0.5, "3.1": 0.2, "3.2": 0.1, "corrected": 0.05}
SHOWN = ("motion_trajectories", "segmentation_frame", "segmentation_rounds", "segmentation_hips")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Make what stands before the stage, and run it."""
    folder = make_study_folder(tmp_path_factory.mktemp("paper"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        patch.setattr(made, "SUBJECTS", SUBJECTS)
        made.write_labelled_cohort()
        sweep_volumes.main(STUDY)
        write_truth()
        write_masks()
        write_labels()
        write_motion()
        write_shown()
        yield list(paper_views.main(STUDY))


def write_truth() -> None:
    """Write where pictures lay in the pelvis: another turn for every frame."""
    home = paths.results_dir("smoke") / "cohort" / "truth"
    for name in (TURNED, ROUNDS):
        T = np.tile(np.eye(4), (made.COUNT, 1, 1))
        vectors = np.outer(np.arange(made.COUNT), [0.1, 0.05, -0.02])
        T[:, :3, :3] = rotations.from_rotation_vector(vectors)
        np.savez(home / f"{name}.npz", T_image_to_hip=T)


def write_masks() -> None:
    """Write masks of the rounds, and a refined label of the shown frame's sweep: its truth."""
    results, rng = paths.results_dir("smoke"), np.random.default_rng(1)
    case = paper_views._case(ROUNDS)
    truth = read_mask(segmentation_scores.reference_file(results, "insonified_truth", case))
    where = {
        "reconstructed": results / "first_masks" / "S049_left_p_d.mha",
        "corrected": segmentation_scores.reference_file(results, "corrected_label", case),
        "3.1": segmentation_scores.prediction_file(results, "3.1", case),
        "3.2": segmentation_scores.prediction_file(results, "3.2", case),
    }
    for name, path in where.items():
        write(rubbed(truth.array, LACK[name], rng), truth, path)
    case = paper_views._case(FRAME.split(" ")[0])
    truth = read_mask(segmentation_scores.reference_file(results, "insonified_truth", case))
    path = segmentation_scores.reference_file(results, "corrected_label", case)
    write(truth.array, truth, path)


def write(array, like, path) -> None:
    """Write a mask where another lies."""
    volume = images.Volume(array, like.spacing_zyx_mm, like.origin_xyz_mm)
    write_mask(volume, path, scheme="hip", made_by="a test", origin="simulated")


def write_labels() -> None:
    """Label every third frame of S049's sweeps from back to front by its truth."""
    rows = []
    folder = paths.results_dir("smoke") / "annotations" / "frames"
    for row in motion_data.sweep_rows(STUDY, split="test").itertuples():
        if row.sweep_type != "p_a":
            continue
        sweep = opened(f"{row.subject_id}/{row.sweep_id}")
        index = sweep.first_frame + np.arange(0, len(sweep), 3)
        labels = FrameLabels(index, sweep.masks[::3])
        write_frame_labels(labels, label_file(folder, row.subject_id, row.sweep_id))
        for frame, mask in zip(index, labels.masks, strict=True):
            counts = {f"pixels_{name}": int((mask == k).sum())
                      for k, name in enumerate(STRUCTURE_NAMES, start=1)}  # fmt: skip
            about = {"subject_id": row.subject_id, "sweep_id": row.sweep_id, "sweep_type": "p_a"}
            rows.append({**about, "frame_index": frame, **counts})
    tables.write(pd.DataFrame(rows), paths.table_file("smoke", "frame_labels"), key=[])


def tracked(n: int) -> np.ndarray:
    """Return a straight way of six frames along +z."""
    T = np.tile(np.eye(4), (6, 1, 1))
    T[:, 2, 3] = (1 + n) * np.arange(6)
    return T


def write_motion() -> None:
    """Write the printed network's poses: steps 20 % too long, as recorded (not mirrored)."""
    found = []
    for n, sweep in enumerate(("left_p_d", "right_p_d")):
        T = tracked(n)
        T[:, :3, :3] = rotations.from_rotation_vector(np.outer(np.arange(6), [0, 0.01, 0]))
        T[:, 2, 3] *= 1.2
        T = mirrored(T) if sweep.startswith("left") else T
        found.append(PosePrediction("S049", sweep, 2, T))
    write_predictions(found, paths.results_dir("smoke") / "motion_predictions" / "published")


def write_shown() -> None:
    """Write what other stages chose."""
    three = {f"name_{n}": np.array(f"S049 {sweep}")
             for n, sweep in enumerate(("left_p_d", "right_p_d"))}  # fmt: skip
    three |= {f"T_tracked_{n}": tracked(n) for n in range(2)}
    content = dict(zip(SHOWN, (three, {"name": np.array(FRAME)}, {"name": np.array(ROUNDS)},
                               {"p_a_right_name": np.array(TURNED),
                                "p_d_left_name": np.array(ROUNDS)}), strict=True))  # fmt: skip
    for name, arrays in content.items():
        runner.write_figure_input(STUDY, name, arrays)


def opened(name: str):
    """Return a sweep as the study looks at it."""
    rows, case = motion_data.sweep_rows(STUDY), paper_views._case(name)
    row = rows[(rows.subject_id == case.subject_id) & (rows.sweep_id == case.sweep_id)].iloc[0]
    return open_study_sweep(motion_data.cohort_of(STUDY), row)


def view(name: str) -> dict:
    """Return a figure input."""
    with np.load(paths.figure_input_file("smoke", name)) as stored:
        return dict(stored)


class TestFrames:
    def test_they_are_of_one_sweep_and_carry_their_own_labels(self, inputs):
        arrays = view("paper_frames")
        names = [str(arrays[f"name_{place}"]) for place in (1, 2)]
        assert len({name.split(" ")[0] for name in names}) == 1
        sweep = opened(names[0].split(" ")[0])
        for place, name in enumerate(names, start=1):
            frame = int(name.split(" ")[-1]) - sweep.first_frame
            np.testing.assert_array_equal(arrays[f"frame_{place}"], sweep.frames[frame])
            np.testing.assert_array_equal(arrays[f"label_{place}"], sweep.masks[frame])
        assert arrays["pixel_side_mm"] == pytest.approx(made.SIDE_MM)

    def test_the_refined_label_lies_in_the_shown_frames_plane(self, inputs):
        refined = view("paper_frames")["volume_corrected"]
        sweep = opened(FRAME.split(" ")[0])
        label = sweep.masks[7 - sweep.first_frame]
        both = ((refined == 2) & (label == 2)).sum()
        assert 2 * both / ((refined == 2).sum() + (label == 2).sum()) > 0.9

    def labelled(self, **pixels) -> pd.DataFrame:
        """Return four labelled frames; ten pixels of what is not named."""
        table = pd.DataFrame({"subject_id": "S", "sweep_id": ["b", "a", "a", "a"],
                              "sweep_type": ["p_d", "p_a", "p_a", "p_a"],
                              "frame_index": [1, 3, 6, 9]})  # fmt: skip
        counts = {name: pixels.get(name, [10] * 4) for name in STRUCTURE_NAMES}
        return table.assign(**{f"pixels_{name}": count for name, count in counts.items()})

    def test_the_first_shows_what_is_hardest_to_see(self):
        border = [90, 1, 8, 5]
        found = paper_views.annotated_frames(self.labelled(chondro_osseous_border=border))
        assert list(found.sweep_id) == ["a", "a"]
        assert list(found.frame_index) == [6, 3]  # as much cortex everywhere: the first

    def test_the_second_shows_most_of_the_femoral_cortex(self):
        found = paper_views.annotated_frames(self.labelled(femoral_cortex=[99, 0, 3, 7]))
        assert list(found.frame_index) == [3, 9]

    def test_other_sweeps_are_shown_where_none_goes_from_back_to_front(self):
        table = self.labelled().assign(sweep_type="p_d")
        assert list(paper_views.annotated_frames(table).sweep_id) == ["a", "a"]


class TestMotion:
    def test_poses_are_mirrored_as_the_tracked_ones_are(self, inputs):
        arrays = view("paper_motion")
        for n, side in enumerate(("left", "right")):
            assert arrays[f"side_{n}"] == side
            np.testing.assert_allclose(arrays[f"T_printed_{n}"][:, 2, 3],
                                       1.2 * (1 + n) * np.arange(6))  # fmt: skip
            turn = arrays[f"T_printed_{n}"][-1, 0, 2]
            assert turn == pytest.approx(np.sin(0.05))

    def test_errors_are_against_the_tracker_frame_by_frame(self, inputs):
        rows = tables.read(paths.table_file("smoke", "paper_motion_frames"))
        assert list(rows.groupby("order").frame_index.max()) == [5, 5]
        last = rows[rows.frame_index == 5].set_index("order")
        # A fifth too long on 5 and 10 mm; 0.01 rad a step.
        np.testing.assert_allclose(last.absolute_elevational_mm, [1, 2], rtol=1e-6)
        np.testing.assert_allclose(last.absolute_deg, np.rad2deg(0.05), rtol=1e-5)
        np.testing.assert_allclose(rows.relative_axial_deg.abs(), np.rad2deg(0.01), rtol=1e-4)

    def test_the_printed_networks_folder_is_the_one_that_motion_writes(self):
        assert motion_fit.folder_of(motion_fit.NETWORKS[0]) == paper_views.PRINTED

    def test_without_the_printed_networks_poses_there_is_nothing_to_show(
        self, inputs, monkeypatch, caplog
    ):
        monkeypatch.setattr(paper_views, "PRINTED", "never_run")
        arrays, errors = paper_views.motion_view(STUDY, view("motion_trajectories"))
        assert arrays == {}
        assert errors.empty
        assert "never_run is missing: the printed network is not shown" in caplog.text


class TestVolumes:
    def test_dice_of_each_round_is_that_of_what_it_lacks(self, inputs):
        arrays = view("paper_rounds")
        for name, share in LACK.items():
            assert arrays[f"dice_{name}"] == pytest.approx(2 * (1 - share) / (2 - share), abs=0.02)

    def test_truth_has_surfaces_in_the_volumes_world(self, inputs):
        arrays = view("paper_hips")
        truth = read_mask(segmentation_scores.reference_file(
            paths.results_dir("smoke"), "insonified_truth", paper_views._case(ROUNDS)))  # fmt: skip
        middle = arrays["p_d_left_truth_femoral_head_vertices_xyz_mm"].mean(axis=0)
        index = np.argwhere(truth.array == 2).mean(axis=0)[::-1]
        expected = index * truth.spacing_zyx_mm[::-1] + truth.origin_xyz_mm
        np.testing.assert_allclose(middle, expected, atol=0.6)

    @pytest.mark.parametrize(("key", "name"), [("p_a_right", TURNED), ("p_d_left", ROUNDS)])
    def test_axes_are_those_of_the_middle_frame_turned_back(self, inputs, key, name):
        sweep = opened(name)
        assert sweep.is_flipped == (name == TURNED)
        middle = sweep.first_frame + np.flatnonzero(sweep.is_valid)[sweep.is_valid.sum() // 2]
        with np.load(paths.results_dir("smoke") / "cohort" / "truth" / f"{name}.npz") as truth:
            expected = truth["T_image_to_hip"][middle, :3, :3]
        if sweep.is_flipped:
            expected = expected @ np.diag([-1.0, 1, -1])
        np.testing.assert_allclose(view("paper_hips")[f"{key}_R_world_to_hip"], expected)

    def test_a_sweep_without_truth_is_an_error(self, inputs):
        with pytest.raises(FileNotFoundError, match="only a simulated cohort has truth"):
            paper_views.world_to_hip(STUDY, paper_views._case("S049/right_p_d"))


def test_inputs_are_small_and_all_that_was_read_is_there(inputs):
    files = [paths.figure_input_file("smoke", name) for name in paper_views.INPUTS]
    assert all(path.stat().st_size < 1_000_000 for path in files)
    assert all(path.is_file() for path in inputs)


def test_where_nothing_was_chosen_nothing_is_shown(inputs, monkeypatch):
    kept = {}
    monkeypatch.setattr(runner, "write_figure_input",
                        lambda study, name, arrays: kept.setdefault(name, arrays))  # fmt: skip
    monkeypatch.setattr(runner, "write_tables", lambda study, content: kept.update(content))
    monkeypatch.setattr(paper_views, "_saved", lambda study, name: {})
    labels = paths.table_file("smoke", "frame_labels")
    tables.write(tables.read(labels).iloc[:0], labels, key=[])
    paper_views.main(STUDY)
    assert all(not kept[name] for name in paper_views.INPUTS)
    errors, _ = kept["paper_motion_frames"]
    assert errors.empty
    assert {"order", "frame_index"} <= set(errors.columns)
