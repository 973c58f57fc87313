"""A hospital's cohort: tables, sessions and sweeps, and what is wrong with them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry
from hipus.formats import cohort_layout, metafile
from hipus.formats.cohort_layout import read_cohort
from hipus.formats.cohort_session import read_session

SESSION = {"is_tracked": True, "lag_s": -0.05, "poses_are_lag_corrected": True}
SESSION |= {"T_pixel_to_probe": None}
SUBJECTS = "subject_id,sex,age_days,split\n0007,f,2,test\nK-1,m,,train\n"
SWEEPS = "subject_id,sweep_id,session_id,side,sweep_type\n0007,left_p_a,1,left,p_a\n"


@pytest.fixture
def sweep(tiny_sweep):
    """Return a sweep that moves evenly, so that a lag can be worked out by hand."""
    count = len(tiny_sweep)
    shift = np.zeros((count, 3))
    shift[:, 1] = np.arange(count)
    poses = geometry.transform(np.broadcast_to(np.eye(3), (count, 3, 3)), shift)
    poses[5] = np.nan
    is_valid = ~np.isnan(poses).any(axis=(1, 2))
    return replace(tiny_sweep, T_probe_to_reference=poses, is_valid=is_valid)


@pytest.fixture
def folder(tmp_path, sweep):
    """Return a cohort of two subjects, one of them with a sweep."""
    (tmp_path / "subjects.csv").write_text(SUBJECTS)
    (tmp_path / "sweeps.csv").write_text(SWEEPS)
    metafile.write(tmp_path / "0007" / "left_p_a.igs.mha", metafile.from_sweep(sweep))
    (tmp_path / "0007" / "session_1.json").write_text(json.dumps(SESSION))
    return tmp_path


def change_session(folder, **changes):
    """Rewrite the session."""
    path = folder / "0007" / "session_1.json"
    path.write_text(json.dumps(SESSION | changes))


class TestReading:
    def test_ids_stay_text_and_further_columns_are_kept(self, folder):
        cohort = read_cohort(folder)
        assert list(cohort.subjects.subject_id) == ["0007", "K-1"]
        assert list(cohort.subjects.split) == ["test", "train"]
        assert cohort.origin == "recorded"

    def test_a_simulated_cohort_says_so(self, folder):
        (folder / "cohort.json").write_text('{"origin": "simulated"}')
        assert read_cohort(folder).origin == "simulated"

    def test_a_sweep_comes_back_as_it_was(self, folder, sweep):
        found = read_cohort(folder).sweep("0007", "left_p_a")
        np.testing.assert_array_equal(found.frames[:], sweep.frames)
        np.testing.assert_array_equal(found.T_probe_to_reference, sweep.T_probe_to_reference)
        np.testing.assert_array_equal(found.T_pixel_to_probe, sweep.T_pixel_to_probe)
        assert found.sweep_id == "0007/left_p_a"

    def test_other_endings_are_found(self, folder, sweep):
        (folder / "0007" / "left_p_a.igs.mha").unlink()
        metafile.write(folder / "0007" / "left_p_a.igs.nrrd", metafile.from_sweep(sweep))
        assert len(read_cohort(folder).sweep("0007", "left_p_a")) == len(sweep)

    def test_a_calibration_of_the_session_is_used(self, folder, sweep):
        bare = replace(sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=None)
        metafile.write(folder / "0007" / "left_p_a.igs.mha", metafile.from_sweep(bare))
        T = np.diag([0.4, 0.6, 1.0, 1.0])
        change_session(folder, T_pixel_to_probe=T.tolist())
        found = read_cohort(folder).sweep("0007", "left_p_a")
        np.testing.assert_array_equal(found.T_pixel_to_probe, T)
        assert found.pixel_spacing_xy_mm == (0.4, 0.6)

    def test_an_untracked_sweep_has_images_and_scale_but_no_pose(self, folder, sweep):
        change_session(folder, is_tracked=False, lag_s=None)
        found = read_cohort(folder).sweep("0007", "left_p_a")
        assert not found.is_valid.any()
        assert np.isnan(found.T_probe_to_reference).all()
        assert found.pixel_spacing_xy_mm == pytest.approx(sweep.pixel_spacing_xy_mm)


class TestLag:
    def test_late_poses_are_moved_back(self, folder, sweep):
        # Frames lie 0.11 s apart and travel 1 mm; poses stamped 0.055 s late belong half a
        # frame further on, so each image's pose is half a millimetre beyond the one beside it.
        change_session(folder, lag_s=0.055, poses_are_lag_corrected=False)
        found = read_cohort(folder).sweep("0007", "left_p_a")
        np.testing.assert_allclose(found.T_probe_to_reference[:4, 1, 3], np.arange(4) + 0.5)
        # Nothing is known beyond the last pose.
        assert not found.is_valid[-1]

    def test_early_poses_are_moved_forth(self, folder):
        change_session(folder, lag_s=-0.055, poses_are_lag_corrected=False)
        found = read_cohort(folder).sweep("0007", "left_p_a")
        np.testing.assert_allclose(found.T_probe_to_reference[1:5, 1, 3], np.arange(1, 5) - 0.5)
        assert not found.is_valid[0]


class TestWhatIsMissing:
    def test_a_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="cohort folder is missing"):
            read_cohort(tmp_path / "nowhere")

    @pytest.mark.parametrize("name", ["subjects.csv", "sweeps.csv", "0007/session_1.json"])
    def test_a_file(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"{name} is missing: a cohort needs it"):
            read_cohort(folder)

    def test_a_sweep(self, folder):
        (folder / "0007" / "left_p_a.igs.mha").unlink()
        with pytest.raises(FileNotFoundError, match="left_p_a: sweep file is missing"):
            read_cohort(folder)

    def test_a_sweep_that_is_not_listed(self, folder):
        with pytest.raises(KeyError, match="has no sweep 'left_p_d' of '0007'"):
            read_cohort(folder).sweep("0007", "left_p_d")


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("name", "old", "new", "message"),
        [
            ("subjects.csv", "K-1", "../K", "line 3: subject_id must be letters"),
            ("subjects.csv", "K-1", "", "line 3: subject_id must be letters"),
            ("subjects.csv", "K-1,m", "K-1,x", r"line 3: sex must be one of \('f', 'm'\), got 'x'"),
            ("subjects.csv", "f,2", "f,-2", "age_days must be >= 0, got -2"),
            ("subjects.csv", "K-1", "0007", "must identify a row, got {'subject_id': '0007'} twic"),
            ("subjects.csv", "subject_id", "name", r"needs columns \['subject_id'\]"),
            ("sweeps.csv", "0007,left", "0008,left", r"subject_id \['0008'\] are not in subjects"),
            ("sweeps.csv", ",left,", ",Left,", "line 2: side must be one of"),
            ("sweeps.csv", "p_a\n", "ap\n", "line 2: sweep_type must be one of"),
            ("sweeps.csv", ",p_a\n", ",\n", "line 2: sweep_type must be one of .*, got nan"),
        ],
    )
    def test_a_table(self, folder, name, old, new, message):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(old, new, 1) if old != ",p_a\n" else
                                   text[: -len(old)] + new)  # fmt: skip
        with pytest.raises(ValueError, match=message):
            read_cohort(folder)

    def test_an_empty_table(self, folder):
        (folder / "sweeps.csv").write_text(SWEEPS.splitlines()[0] + "\n")
        with pytest.raises(ValueError, match=r"sweeps.csv must have at least one row, got none"):
            read_cohort(folder)

    def test_two_files_of_one_sweep(self, folder, sweep):
        metafile.write(folder / "0007" / "left_p_a.igs.nrrd", metafile.from_sweep(sweep))
        with pytest.raises(ValueError, match="sweep must have one file, got"):
            read_cohort(folder)

    def test_an_origin_that_is_no_text(self, folder):
        (folder / "cohort.json").write_text('{"origin": 3}')
        with pytest.raises(ValueError, match="origin must be a text, got 3"):
            read_cohort(folder)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "is no readable JSON"),
            ("[1]", "must be a JSON object, got list"),
            ('{"is_tracked": true}', "needs .*'lag_s'.*, has"),
            (SESSION | {"is_tracked": 1}, "is_tracked must be true or false, got 1"),
            (SESSION | {"lag_s": "late"}, "lag_s must lie between -1 and 1 s, got 'late'"),
            (SESSION | {"lag_s": -65}, "lag_s must lie between -1 and 1 s, got -65"),
            (
                SESSION | {"lag_s": None, "poses_are_lag_corrected": False},
                "lag_s must be a number where poses are not corrected",
            ),
            (SESSION | {"T_pixel_to_probe": [[1, "x"]]}, "T_pixel_to_probe must be 4 x 4 numbers"),
            (SESSION | {"T_pixel_to_probe": [[1, 2]]}, "T_pixel_to_probe"),
        ],
    )
    def test_a_session(self, folder, content, message):
        path = folder / "0007" / "session_1.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(ValueError, match=message):
            read_session(path)

    def test_two_calibrations_that_differ(self, folder):
        change_session(folder, T_pixel_to_probe=np.diag([0.4, 0.6, 1.0, 1.0]).tolist())
        with pytest.raises(ValueError, match="ImageToProbeTransform differs from the session's"):
            read_cohort(folder).sweep("0007", "left_p_a")


def test_names_are_those_of_the_layout(tmp_path):
    assert cohort_layout.sweep_file(tmp_path, "S001", "left_p_a").name == "left_p_a.igs.mha"
    assert cohort_layout.session_file(tmp_path, "S001", 2).name == "session_2.json"
