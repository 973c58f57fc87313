"""The standard's basic profile: what goes, what is replaced, what stays."""

import datetime

import numpy as np
import pydicom
import pytest
from made_hospital import cine
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from hipus.intake import basic_profile
from hipus.intake.basic_profile import Pseudonym, deidentify, identifying

WHO = Pseudonym("S007", -100, "secret")


@pytest.fixture
def named(rng) -> Dataset:
    """Return a data set of a patient."""
    return cine(rng.integers(0, 256, (2, 4, 6), dtype=np.uint8))


def clean(found: Dataset, who: Pseudonym = WHO) -> Dataset:
    """Return a de-identified data set."""
    return deidentify(found, who, has_clean_pixels=True)


class TestTable:
    def test_it_has_the_rows_of_the_standard(self):
        """Read in DICOM PS3.15 table E.1-1 by hand."""
        expected = {
            "AccessionNumber": ("Z", False),
            "AcquisitionDate": ("X/Z", True),
            "AcquisitionDateTime": ("X/Z/D", True),
            "AcquisitionComments": ("X", False),
            "ContentDate": ("Z/D", True),
            "DeviceUID": ("U", False),
            "DeviceSerialNumber": ("X/Z/D", False),
            "ContentSequence": ("D", False),
            "PatientBirthDate": ("Z", False),
            "PatientName": ("Z", False),
            "StudyDate": ("Z", True),
        }
        rules = basic_profile.rules()
        found = {name: rules[pydicom.datadict.tag_for_keyword(name)] for name in expected}
        assert {k: (rule.action, rule.is_date) for k, rule in found.items()} == expected

    def test_what_pictures_need_is_not_in_it(self):
        kept = ("Rows", "PixelData", "PixelSpacing", "FrameTime", "SequenceOfUltrasoundRegions")
        tags = {pydicom.datadict.tag_for_keyword(name) for name in kept}
        assert tags & set(basic_profile.rules()) == set()

    def test_every_action_is_one_of_the_standards(self):
        actions = {rule.action for rule in basic_profile.rules().values()}
        assert actions == {"D", "Z", "X", "U", "Z/D", "X/Z", "X/D", "X/Z/D", "X/Z/U*"}
        assert len(basic_profile.rules()) == 652


class TestPatient:
    def test_nothing_of_the_patient_is_left(self, named):
        named.OtherPatientNames, named.ReferringPhysicianName = "Anni^Meier", "Doc^Tor"
        named.InstitutionName, named.OperatorsName = "St Elsewhere", "Nurse^One"
        text = str(clean(named))
        for secret in ("Meier", "4711", "20210301", "A1234567", "Doc", "Elsewhere", "Nurse"):
            assert secret not in text, secret

    def test_the_study_id_stands_for_the_patient(self, named):
        found = clean(named)
        assert (str(found.PatientName), found.PatientID) == ("S007", "S007")

    def test_sequences_are_cleaned_inside(self, named):
        item = Dataset()
        item.PatientName, item.RegionFlags, item.StudyDate = "Meier^Anna", 1, "20210304"
        named.SequenceOfUltrasoundRegions = Sequence([item])
        (inner,) = clean(named).SequenceOfUltrasoundRegions
        assert (str(inner.PatientName), inner.RegionFlags) == ("S007", 1)
        assert inner.StudyDate == "20201124"

    def test_private_curve_and_overlay_elements_go(self, named):
        named.private_block(0x0029, "VENDOR", create=True).add_new(1, "LO", "Meier")
        named.add_new(0x60003000, "OB", b"\1\0")
        named.add_new(0x50003000, "OB", b"\1\0")
        groups = {element.tag.group for element in clean(named)}
        assert groups & {0x0029, 0x6000, 0x5000} == set()

    def test_unlisted_names_and_days_go_too(self, named):
        named.add_new(0x00990011, "PN", "Meier^Anna")
        named.add_new(0x00980012, "DA", "20210304")
        found = clean(named)
        assert (0x0099, 0x0011) not in found
        assert (0x0098, 0x0012) not in found

    def test_pictures_and_their_scale_stay(self, named):
        found = clean(named)
        assert found.PixelData == named.PixelData
        assert list(found.PixelSpacing) == [0.4, 0.5]
        assert found.FrameTime == 50

    def test_the_original_is_not_changed(self, named):
        before = str(named)
        clean(named)
        assert str(named) == before


class TestDates:
    def test_days_move_and_intervals_stay(self, named):
        found = clean(named)
        days = [
            datetime.datetime.strptime(str(found[k].value), "%Y%m%d")
            for k in ("StudyDate", "SeriesDate")
        ]
        assert days[0] == datetime.datetime(2020, 11, 24)
        assert days[1] - days[0] == datetime.timedelta(days=2)

    def test_the_birthday_is_emptied_and_not_moved(self, named):
        assert clean(named)["PatientBirthDate"].is_empty

    def test_of_a_moment_only_the_moved_day_is_left(self, named):
        named.AcquisitionDateTime = "20210304081500.25+0100"
        assert clean(named).AcquisitionDateTime == "20201124"

    def test_what_is_no_date_is_emptied(self, named):
        named.AcquisitionDateTime = "2021"
        assert not clean(named).AcquisitionDateTime

    def test_several_dates_in_one_element_all_move(self, named):
        named.DateOfSecondaryCapture = "20210304"
        named.CalibrationDate = ["20210101", "20210102"]  # listed: days of a device
        assert [str(day) for day in clean(named).CalibrationDate] == ["20200923", "20200924"]


class TestUids:
    def test_equal_ones_stay_equal_and_others_differ(self, named):
        other = cine(np.zeros((1, 4, 6), np.uint8), SOPInstanceUID="1.2.9")
        first, second = clean(named), clean(other)
        assert first.StudyInstanceUID == second.StudyInstanceUID != named.StudyInstanceUID
        assert first.SOPInstanceUID != second.SOPInstanceUID

    def test_without_the_secret_nobody_computes_them(self, named):
        with_other = clean(named, Pseudonym("S007", -100, "another"))
        assert clean(named).StudyInstanceUID != with_other.StudyInstanceUID

    def test_the_files_own_header_agrees_and_names_no_machine(self, named):
        named.file_meta.SourceApplicationEntityTitle = "ROOM7"
        found = clean(named)
        assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID
        assert "SourceApplicationEntityTitle" not in found.file_meta


class TestStatement:
    def test_it_says_what_was_done_by_the_standards_codes(self, named):
        found = clean(named)
        codes = [item.CodeValue for item in found.DeidentificationMethodCodeSequence]
        assert codes == ["113100", "113101", "113107"]
        assert found.PatientIdentityRemoved == "YES"
        assert found.BurnedInAnnotation == "NO"

    def test_pixels_that_nobody_looked_at_are_not_called_clean(self, named):
        found = deidentify(named, WHO, has_clean_pixels=False)
        codes = [item.CodeValue for item in found.DeidentificationMethodCodeSequence]
        assert "113101" not in codes
        assert "BurnedInAnnotation" not in found


class TestIdentifying:
    def test_a_patients_file_is_told_by_its_elements(self, named):
        expected = {"PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyDate"}
        assert expected <= set(identifying(named))

    def test_a_cleaned_one_has_none(self, named):
        named.OperatorsName, named.AcquisitionDateTime = "Nurse^One", "20210304081500"
        named.DeviceSerialNumber, named.InstitutionName = "0815", "St Elsewhere"
        assert identifying(clean(named)) == []

    def test_a_statement_alone_does_not_help(self, named):
        named.PatientIdentityRemoved = "YES"
        assert "PatientName" in identifying(named)
        assert "StudyDate" in identifying(named)

    def test_values_are_not_repeated(self, named):
        assert not any("Meier" in name for name in identifying(named))

    def test_a_name_deep_in_a_sequence_is_found(self, named):
        found, item = clean(named), Dataset()
        item.OperatorsName = "Nurse^One"
        found.SequenceOfUltrasoundRegions = Sequence([item])
        assert identifying(found) == ["OperatorsName"]
