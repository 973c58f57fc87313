"""Prepared sweeps on disk: made once, mapped back, and made again when anything changed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_recordings import recording
from made_sweeps import made_sweep

from hipus.formats import metafile
from hipus.formats.cohort_layout import read_cohort
from hipus.motion import prepared_files
from hipus.motion.preparation import PreparedSweep
from hipus.motion.prepared_files import PreparationSettings, load, prepare_cohort, save
from hipus.parallel import CaseError

SETTINGS = PreparationSettings(input_px=16)
SESSION = {"is_tracked": True, "lag_s": None, "poses_are_lag_corrected": True}
ROWS = (("0007", "left_p_a", "left", "p_a"), ("K-1", "right_p_d", "right", "p_d"))


def same(one: PreparedSweep, other: PreparedSweep) -> None:
    """Check that two prepared sweeps are equal in all they hold."""
    for name in PreparedSweep.__dataclass_fields__:
        first, second = getattr(one, name), getattr(other, name)
        if name == "extra":
            assert set(first) == set(second)
            for key in first:
                np.testing.assert_array_equal(first[key], second[key])
        elif isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second)
            assert first.dtype == second.dtype
        else:
            assert first == second, name


@pytest.fixture
def sweep(rng):
    """Return a prepared sweep with a further map and an untracked frame."""
    one = made_sweep(rng, is_mirrored=True)
    one.T_centre_to_world[3] = np.nan
    return one.with_extra(likeness=rng.random((13, 16, 16)))


@pytest.fixture
def folder(tmp_path, rng):
    """Return a cohort of two subjects with a sweep each."""
    home = tmp_path / "cohort"
    home.mkdir()
    lines = [f"{subject},{name},1,{side},{kind}" for subject, name, side, kind in ROWS]
    (home / "subjects.csv").write_text("subject_id\n0007\nK-1\n")
    (home / "sweeps.csv").write_text(
        "\n".join(["subject_id,sweep_id,session_id,side,sweep_type", *lines, ""])
    )
    for subject, name, side, _ in ROWS:
        (home / subject).mkdir()
        T = recording(rng).T_pixel_to_probe.tolist()
        session = json.dumps(SESSION | {"T_pixel_to_probe": T})
        (home / subject / "session_1.json").write_text(session)
        recorded = replace(recording(rng, side=side), sweep_id=name)
        metafile.write(home / subject / f"{name}.igs.mha", metafile.from_sweep(recorded))
    return home


@pytest.fixture
def prepared(folder, tmp_path):
    """Return a function that prepares the cohort, and counts what it had to make."""
    made = []

    def run(settings=SETTINGS, **options):
        cohort = read_cohort(folder)
        place = tmp_path / "scratch"
        before = {path: path.stat().st_mtime_ns for path in place.rglob("*.npz")}
        found = prepare_cohort(cohort, cohort.sweeps, folder=place, settings=settings, **options)
        after = {path: path.stat().st_mtime_ns for path in place.rglob("*.npz")}
        made.append(sum(before.get(path) != when for path, when in after.items()))
        return found, made[-1]

    return run


class TestFile:
    def test_it_comes_back_bit_for_bit(self, sweep, tmp_path):
        same(load(save(sweep, tmp_path / "one.npz")), sweep)

    def test_what_a_sweep_lacks_is_lacking(self, sweep, tmp_path):
        bare = replace(sweep, imu_rotations=None, pixel_spacing_xy_mm=None, extra={})
        same(load(save(bare, tmp_path / "one.npz")), bare)

    def test_arrays_are_mapped_aligned_and_read_only(self, sweep, tmp_path):
        found = load(save(sweep, tmp_path / "one.npz"))
        for name in ("frames", "thumbnails", "flow"):
            array = getattr(found, name)
            assert array.flags.aligned
            assert array.ctypes.data % 64 == 0
            assert not array.flags.owndata
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0

    def test_numpy_reads_it_too(self, sweep, tmp_path):
        with np.load(save(sweep, tmp_path / "one.npz")) as archive:
            np.testing.assert_array_equal(archive["flow"], sweep.flow)
            np.testing.assert_array_equal(archive["extra.likeness"], sweep.extra["likeness"])

    def test_equal_sweeps_make_equal_files(self, sweep, tmp_path):
        one, other = (save(sweep, tmp_path / name) for name in ("one.npz", "other.npz"))
        assert one.read_bytes() == other.read_bytes()

    def test_arrays_of_any_order_in_memory_are_kept(self, sweep, tmp_path):
        turned = replace(sweep, frames=np.asfortranarray(sweep.frames))
        same(load(save(turned, tmp_path / "one.npz")), sweep)

    def test_a_missing_one_is_told(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
            load(tmp_path / "nowhere.npz")

    def test_a_damaged_one_is_told(self, sweep, tmp_path):
        path = save(sweep, tmp_path / "one.npz")
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(ValueError, match=r"one\.npz: no readable prepared sweep"):
            load(path)

    def test_another_npz_is_told(self, tmp_path):
        np.savez(tmp_path / "other.npz", flow=np.zeros(3))
        with pytest.raises(ValueError, match=r"other\.npz: no readable prepared sweep"):
            load(tmp_path / "other.npz")

    def test_a_write_that_fails_leaves_nothing(self, sweep, tmp_path, monkeypatch):
        def fail(path, arrays):
            path.write_bytes(b"half")
            raise RuntimeError("power cut")

        monkeypatch.setattr(prepared_files, "_write_aligned", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            save(sweep, tmp_path / "one.npz")
        assert list(tmp_path.iterdir()) == []


class TestCohort:
    def test_sweeps_come_in_the_rows_order_with_what_the_table_says(self, prepared):
        found, made = prepared()
        assert made == 2
        assert [one.name for one in found] == ["0007/left_p_a", "K-1/right_p_d"]
        assert [one.is_mirrored for one in found] == [True, False]
        assert [one.sweep_type for one in found] == ["p_a", "p_d"]
        assert all(one.thumbnails.shape[1:] == (16, 16) for one in found)

    def test_the_second_run_makes_nothing(self, prepared):
        first, _ = prepared()
        second, made = prepared()
        assert made == 0
        for one, other in zip(first, second, strict=True):
            same(one, other)

    def test_other_settings_make_them_again(self, prepared):
        prepared()
        assert prepared(PreparationSettings(input_px=20))[1] == 2
        assert prepared(PreparationSettings(input_px=20, from_pictures=True))[1] == 2
        assert prepared(PreparationSettings(20, True, "farneback"))[1] == 2

    def test_another_reference_makes_the_sweeps_of_its_type_again(self, prepared):
        pictures = {"p_a": np.eye(16, dtype=np.float32)}
        settings = replace(SETTINGS, from_pictures=True)
        prepared(settings, reference_pictures=pictures)
        pictures["p_a"] = np.tri(16, dtype=np.float32)
        assert prepared(settings, reference_pictures=pictures)[1] == 1

    def test_a_changed_recording_is_made_again(self, prepared, folder, rng):
        prepared()
        path = folder / "K-1" / "right_p_d.igs.mha"
        shorter = recording(rng, moving=18)
        metafile.write(path, metafile.from_sweep(replace(shorter, sweep_id="right_p_d")))
        found, made = prepared()
        assert made == 1
        assert len(found[1]) < len(found[0])

    def test_changed_code_makes_them_again(self, prepared, monkeypatch):
        prepared()
        monkeypatch.setattr(prepared_files.cv2, "__version__", "another")
        assert prepared()[1] == 2

    def test_a_damaged_file_is_made_again(self, prepared, tmp_path):
        first, _ = prepared()
        expected = first[0].flow.copy()
        path = tmp_path / "scratch" / "0007" / "left_p_a.npz"
        del first
        path.write_bytes(b"PK\x03\x04 half a file")
        found, made = prepared()
        assert made == 1
        np.testing.assert_array_equal(found[0].flow, expected)

    def test_workers_and_this_process_make_the_same(self, prepared, monkeypatch):
        asked = []
        monkeypatch.setattr(
            prepared_files, "map_cases", lambda f, c, **o: asked.append(o) or [f(x) for x in c]
        )
        prepared()
        prepared(PreparationSettings(20), workers=2)
        assert [options["workers"] for options in asked] == [1, 2]
        name = asked[0]["name"]
        assert name(("S001", "left_p_a", "p_a")) == "S001/left_p_a"

    def test_a_sweep_that_cannot_be_prepared_is_named(self, prepared, folder, rng):
        path = folder / "K-1" / "right_p_d.igs.mha"
        frozen = recording(rng)
        frames = np.repeat(frozen.frames[:1], len(frozen), axis=0)
        frozen = replace(frozen, frames=frames, sweep_id="right_p_d")
        metafile.write(path, metafile.from_sweep(frozen))
        with pytest.raises(CaseError, match="case K-1/right_p_d failed: ValueError: .*the same"):
            prepared()
