"""A hospital's recordings become a cohort: the same sweeps, nobody's name."""

import datetime
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pydicom
import pytest
from made_hospital import (
    hospital,
    save_cine,
    save_sweep,
    speckle,
    turning_sweep,
    write_list,
    written,
)

from hipus import tables
from hipus.formats.cohort_layout import read_cohort
from hipus.intake import importing
from hipus.intake.acceptances import Acceptance, read_acceptances
from hipus.intake.identity import findings
from hipus.intake.importing import import_cohort
from hipus.intake.listing import draft, read_listing
from hipus.stages import cohort_tables


@pytest.fixture
def bring(tmp_path, rng):
    """Return a function that imports a list into a new folder."""

    def call(path, name="cohort", **options):
        options = {"mapping": tmp_path / "who.csv", "rng": rng} | options
        return import_cohort(read_listing(path), tmp_path / name, **options)

    return call


def one_row(tmp_path, path, **more):
    """Return a list of one recording."""
    row = {"file": str(path), "patient": "Meier", "side": "right", "sweep_type": "p_a"}
    return write_list(tmp_path / "list.csv", row | more)


class TestSimulatedCohortAsAHospitals:
    @pytest.fixture
    def came_back(self, exported, bring):
        """Return the cohort after export and import."""
        return read_cohort(bring(exported, origin="simulated").folder)

    def test_every_sweep_is_the_same_to_the_last_bit(self, simulated, came_back):
        assert list(came_back.sweeps.sweep_id) == list(simulated.sweeps.sweep_id)
        for row in simulated.sweeps.itertuples():
            one = simulated.sweep(row.subject_id, row.sweep_id)
            two = came_back.sweep("S001", row.sweep_id)
            np.testing.assert_array_equal(one.frames[:], two.frames[:])
            for name in ("time_s", "T_probe_to_reference", "is_valid", "T_pixel_to_probe"):
                np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
            for name in ("time_s", "angular_velocity_rad_s", "acceleration_m_s2"):
                np.testing.assert_array_equal(getattr(one.imu, name), getattr(two.imu, name))

    def test_all_tables_that_need_no_truth_are_the_same(self, simulated, came_back):
        ours, theirs = (cohort_tables.make_tables(one) for one in (simulated, came_back))
        pd.testing.assert_frame_equal(
            ours["cohort_subjects"][0], theirs["cohort_subjects"][0], check_like=True
        )
        left, right = (one["cohort_sweeps"][0] for one in (ours, theirs))
        names = [name for name in left if not name.startswith("truth_") and name != "operator_id"]
        # A table on disk has nine digits.
        pd.testing.assert_frame_equal(
            left[names], right[names], check_like=True, check_dtype=False, rtol=1e-8
        )
        assert len(right) == 6
        assert right.filter(like="truth_").isna().all(axis=None)

    def test_examinations_keep_their_lag(self, simulated, came_back):
        one, two = (cohort.session("S001", "1") for cohort in (simulated, came_back))
        assert two.lag_s == one.lag_s
        assert two.is_tracked
        assert two.poses_are_lag_corrected == one.poses_are_lag_corrected

    def test_nobody_is_named_in_any_file(self, came_back):
        assert findings(came_back.folder) == []
        for path in came_back.folder.rglob("*.*"):
            content = path.read_bytes()
            for secret in (b"Meier", b"Anna", b"4711471", b"20210304", b"2021-03-04", b"Nurse"):
                assert secret not in content, path.name

    def test_the_mapping_says_who_is_who(self, exported, bring, tmp_path):
        bring(exported)
        known = tables.read(tmp_path / "who.csv")
        assert set(known.patient) == {"Meier, Anna, 4711471"}
        assert set(known.subject_id) == {"S001"}
        assert known.file.str.contains("Meier_20210304_1.igs.mha").any()
        session = json.loads((tmp_path / "cohort/S001/session_1.json").read_text())
        moved = pd.Timestamp(session["day_shifted"]) - pd.Timestamp("2021-03-04")
        assert moved.days == known.shift_days[0] < 0


class TestFormatsTogether:
    def test_a_dicom_becomes_an_untracked_sweep_with_a_clean_copy(self, tmp_path, rng, bring):
        frames = written(speckle(rng, count=12, shape=(96, 80)))
        path = one_row(tmp_path, save_cine(tmp_path / "x" / "Meier.dcm", frames))
        done = bring(path, keeps_dicom=True)
        assert done.masked == ("S001/right_p_a",)
        cohort = read_cohort(done.folder)
        sweep = cohort.sweep("S001", "right_p_a")
        assert sweep.pixel_spacing_xy_mm == (0.5, 0.4)
        assert not cohort.session("S001", "1").is_tracked
        assert findings(done.folder) == []
        copy = pydicom.dcmread(done.folder / "S001" / "right_p_a.dcm")
        np.testing.assert_array_equal(copy.pixel_array, sweep.frames[:])
        assert copy.PatientIdentityRemoved == "YES"
        assert copy.StudyDate != "20210304"

    def test_without_asking_no_dicom_is_kept(self, tmp_path, rng, bring):
        done = bring(one_row(tmp_path, save_cine(tmp_path / "x.dcm", speckle(rng, count=9))))
        assert list(done.folder.rglob("*.dcm")) == []

    def test_clocks_that_tell_the_date_begin_at_zero(self, tmp_path, rng, bring):
        sweep = turning_sweep(rng, start_s=1.6e9)
        done = bring(one_row(tmp_path, save_sweep(tmp_path / "a.igs.mha", sweep)))
        found = read_cohort(done.folder).sweep("S001", "right_p_a")
        assert found.time_s[0] == 0
        np.testing.assert_allclose(found.time_s, sweep.time_s - 1.6e9, atol=1e-6)
        np.testing.assert_allclose(found.imu.time_s, sweep.imu.time_s - 1.6e9, atol=1e-6)

    def test_a_draft_of_names_that_tell_can_be_imported_as_it_is(self, tmp_path, rng, bring):
        folder = hospital(tmp_path / "export", rng)
        tables.write(draft(folder), folder / "list.csv", key=["file"])
        done = bring(folder / "list.csv")
        assert (done.subject_count, done.sweep_count) == (2, 3)

    def test_repeated_sweeps_are_numbered(self, tmp_path, rng, bring):
        folder = hospital(tmp_path / "export", rng)
        listed = draft(folder)
        listed["patient"], listed["side"] = "one", "left"
        tables.write(listed, folder / "list.csv", key=["file"])
        done = bring(folder / "list.csv")
        ids = read_cohort(done.folder).sweeps.sweep_id
        assert sorted(ids) == ["left_p_a", "left_p_a_2", "left_p_a_3"]

    def test_who_comes_again_keeps_the_id_in_another_cohort(self, tmp_path, rng, bring):
        folder = hospital(tmp_path / "export", rng)
        tables.write(draft(folder), folder / "list.csv", key=["file"])
        bring(folder / "list.csv")
        first = tables.read(tmp_path / "who.csv").set_index("patient").subject_id
        bring(folder / "list.csv", "second")
        known = tables.read(tmp_path / "who.csv")
        assert len(known) == 6
        for row in known.itertuples():
            assert row.subject_id in set(first[[row.patient]])


class TestRefusals:
    @pytest.fixture
    def listed(self, tmp_path, rng):
        """Return a list of one good recording."""
        return one_row(tmp_path, save_sweep(tmp_path / "a.igs.mha", turning_sweep(rng)))

    def test_a_folder_that_is_there(self, listed, bring, tmp_path):
        (tmp_path / "cohort").mkdir()
        with pytest.raises(FileExistsError, match="an import makes a new folder"):
            bring(listed)

    def test_a_mapping_within_the_cohort(self, listed, bring, tmp_path):
        with pytest.raises(ValueError, match="must lie outside"):
            bring(listed, mapping=tmp_path / "cohort" / "who.csv")
        assert not (tmp_path / "cohort").exists()

    def test_what_still_looks_identified_unless_accepted_by_name(
        self, listed, bring, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(importing, "without_writing", lambda frames, **_: (None, False))
        sweep = replace(
            turning_sweep(np.random.default_rng(1)),
            frames=written(speckle(np.random.default_rng(1), 90)),
        )
        save_sweep(tmp_path / "a.igs.mha", sweep)
        with pytest.raises(ValueError, match="burnt_in_text:S001/right_p_a.igs.mha"):
            bring(listed)
        assert not (tmp_path / "cohort").exists()
        assert not (tmp_path / "who.csv").exists()
        assert list(tmp_path.glob(".part*")) == []
        word = Acceptance(("burnt_in_text",), "data manager", "a ruler", datetime.date(2026, 1, 2))
        assert bring(listed, acceptance=word).sweep_count == 1
        kept = read_acceptances(tmp_path / "cohort")
        assert list(kept.finding) == ["burnt_in_text:S001/right_p_a.igs.mha"]

    def test_an_id_that_cannot_be_a_files_name_leaves_nothing(self, bring, tmp_path, rng):
        path = save_sweep(tmp_path / "a.igs.mha", turning_sweep(rng))
        with pytest.raises(ValueError, match="sweep_id must be letters"):
            bring(one_row(tmp_path, path, sweep="left p a"))
        assert not (tmp_path / "cohort").exists()

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"lag_s": "late"}, "lag_s must be a number, got 'late'"),
            ({"poses_are_lag_corrected": "maybe"}, "must be 1 or 0, got 'maybe'"),
            ({"date": "04.03.2021"}, "date must be like 2024-01-31"),
        ],
    )
    def test_cells_that_hold_something_else(self, bring, tmp_path, rng, more, message):
        path = save_sweep(tmp_path / "a.igs.mha", turning_sweep(rng))
        with pytest.raises(ValueError, match=message):
            bring(one_row(tmp_path, path, **more))

    def test_sweeps_of_one_session_agree(self, bring, tmp_path, rng):
        path = save_sweep(tmp_path / "a.igs.mha", turning_sweep(rng))
        row = {
            "file": str(path),
            "patient": "M",
            "side": "left",
            "sweep_type": "p_a",
            "lag_s": "0.1",
        }
        listed = write_list(tmp_path / "l.csv", row, row | {"side": "right", "lag_s": "0.2"})
        with pytest.raises(ValueError, match=r"\['lag_s'\] must be as in the other sweeps"):
            bring(listed)

    def test_a_copy_of_other_frames(self, tmp_path, rng):
        from hipus.intake.basic_profile import Pseudonym
        from hipus.intake.dicom_copy import write_copy

        path = save_cine(tmp_path / "a.dcm", speckle(rng, count=3))
        with pytest.raises(ValueError, match=r"frames must be uint8 \(3, 64, 40\)"):
            write_copy(path, speckle(rng, count=2), Pseudonym("S001", -1, "x"), tmp_path / "b.dcm")
