"""`hipus fetch`: what is here, what is not, and the exit status that says so."""

import pytest

from hipus.formats import real_data


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Leave neither mirror nor downloads nor network."""
    monkeypatch.delenv("HIPUS_MIRROR", raising=False)
    monkeypatch.setenv("HIPUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HIPUS_OFFLINE", "1")


class TestWithoutData:
    def test_everything_absent_is_listed_with_its_reason_and_status_1(self, hipus, nowhere):
        outcome = hipus("fetch")
        assert outcome.status == 1
        assert outcome.json["files_present"] == 0
        assert outcome.json["folders"] == []
        assert outcome.json["files_total"] == len(real_data.registry())
        assert len(outcome.json["files_absent"]) == outcome.json["files_total"]
        assert all(outcome.json["files_absent"].values())

    def test_one_absent_file_says_how_to_get_it(self, refused, nowhere):
        message = refused("fetch", "plus/SpinePhantomFreehand.igs.mha")
        assert "plus/SpinePhantomFreehand.igs.mha is absent" in message
        assert "HIPUS_MIRROR" in message

    def test_unknown_name_is_refused(self, refused, nowhere):
        assert "plus/none.mha" in refused("fetch", "plus/none.mha")

    def test_mistyped_mirror_is_refused(self, refused, nowhere, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_MIRROR", str(tmp_path / "typo"))
        assert "HIPUS_MIRROR must name a folder" in refused("fetch")


@pytest.mark.real
class TestWithMirror:
    NAME = "plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"

    def test_a_file_that_is_there_is_status_0(self, hipus, real_file):
        real_file(self.NAME)
        outcome = hipus("fetch", self.NAME)
        assert outcome.status == 0
        assert (outcome.json["files_total"], outcome.json["files_absent"]) == (1, {})

    def test_it_says_in_which_folder_files_lie(self, hipus, real_file):
        path = real_file(self.NAME)
        assert hipus("fetch", self.NAME).json["folders"] == [str(path.parent)]

    def test_a_group_lists_its_licences(self, hipus, real_file):
        real_file(self.NAME)
        found = hipus("fetch", "clarius").json
        assert found["files_present"] == found["files_total"] > 1
        assert found["licences"] == ["BSD-3-Clause"]
