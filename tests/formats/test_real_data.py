"""Real open data: mirror before download, never a wrong SHA-256, never a silent absence."""

import hashlib
import logging

import pandas as pd
import pytest

from hipus.formats import real_data, transfer

CONTENT = {"plus/a.mha": b"sweep a", "plus/b.mha": b"sweep b", "clarius/c.raw": b"raw c"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def world(web_folder, tmp_path, monkeypatch):
    """A study with three registered files on a local server, no mirror, no downloads.

    `clarius/c.raw` has no URL: it exists in a mirror only.
    """
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    monkeypatch.setenv("HIPUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HIPUS_MIRROR", raising=False)
    rows = []
    for name, content in CONTENT.items():
        leaf = name.split("/")[1]
        (web_folder.path / leaf).write_bytes(content)
        url = web_folder.url + leaf if name != "clarius/c.raw" else ""
        row = {"file": name, "bytes": len(content), "sha256": digest(content), "url": url}
        rows.append(row | {"licence": "BSD-3-Clause", "attribution": "x", "repository": "o/r"})
    folder = tmp_path / "data" / "real"
    folder.mkdir(parents=True)
    pd.DataFrame(rows).assign(commit="", path="").to_csv(folder / "manifest.csv", index=False)
    return web_folder


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Return an empty mirror folder with a group folder for each group."""
    folder = tmp_path / "mirror"
    for group in ("plus", "clarius"):
        (folder / group).mkdir(parents=True)
    monkeypatch.setenv("HIPUS_MIRROR", str(folder))
    return folder


class TestLocalPath:
    def test_an_absent_file_is_none(self, world):
        assert real_data.local_path("plus/a.mha") is None

    def test_the_mirror_comes_before_the_download(self, world, mirror):
        downloaded = real_data.fetch("plus/a.mha")
        assert real_data.local_path("plus/a.mha") == downloaded
        (mirror / "plus/a.mha").write_bytes(CONTENT["plus/a.mha"])
        assert real_data.local_path("plus/a.mha") == mirror / "plus/a.mha"

    def test_a_wrong_mirror_file_is_passed_over(self, world, mirror):
        (mirror / "plus/a.mha").write_bytes(b"tampered")
        assert real_data.local_path("plus/a.mha") is None
        downloaded = real_data.fetch("plus/a.mha")
        assert real_data.local_path("plus/a.mha") == downloaded != mirror / "plus/a.mha"

    def test_an_unchanged_file_is_hashed_once_and_a_changed_one_again(
        self, world, mirror, monkeypatch
    ):
        hashed = []
        original = real_data.files.sha256
        monkeypatch.setattr(
            real_data.files, "sha256", lambda path: hashed.append(path) or original(path)
        )
        (mirror / "plus/a.mha").write_bytes(CONTENT["plus/a.mha"])
        assert real_data.local_path("plus/a.mha") == real_data.local_path("plus/a.mha")
        assert len(hashed) == 1
        (mirror / "plus/a.mha").write_bytes(b"truncated")
        assert real_data.local_path("plus/a.mha") is None
        assert len(hashed) == 2

    def test_an_unknown_name_is_an_error_not_an_absence(self, world):
        with pytest.raises(ValueError, match=r"did you mean plus/a\.mha"):
            real_data.local_path("plus/a.mhd")


class TestFetch:
    def test_a_download_is_kept_for_the_next_time(self, world):
        first = real_data.fetch("plus/a.mha")
        assert first.read_bytes() == CONTENT["plus/a.mha"]
        (world.path / "a.mha").unlink()
        assert real_data.fetch("plus/a.mha") == first

    def test_a_tampered_download_raises_and_is_removed(self, world, tmp_path):
        (world.path / "a.mha").write_bytes(b"tampered")
        expected = digest(CONTENT["plus/a.mha"])
        with pytest.raises(ValueError, match=f"must be {expected}, got {digest(b'tampered')}"):
            real_data.fetch("plus/a.mha")
        assert list((tmp_path / "cache/real/plus").iterdir()) == []

    def test_a_damaged_earlier_download_is_replaced_loudly(self, world, caplog):
        path = real_data.fetch("plus/a.mha")
        path.write_bytes(b"damaged")
        assert real_data.fetch("plus/a.mha").read_bytes() == CONTENT["plus/a.mha"]
        assert f"the download has SHA-256 {digest(b'damaged')}, not used" in caplog.text

    def test_a_mirror_only_file_says_how_to_get_it(self, world):
        with pytest.raises(real_data.MissingRealData, match="mirror only.*set HIPUS_MIRROR"):
            real_data.fetch("clarius/c.raw")

    def test_forbidden_network_says_how_to_get_it(self, world, monkeypatch):
        monkeypatch.setenv("HIPUS_OFFLINE", "1")
        with pytest.raises(real_data.MissingRealData, match=r"HIPUS_OFFLINE is set\): run"):
            real_data.fetch("plus/a.mha")


class TestFetchGroup:
    def test_all_files_of_the_group_come_in_order(self, world):
        found = real_data.fetch_group("plus")
        assert [path.name for path in found] == ["a.mha", "b.mha"]

    def test_what_nobody_can_download_is_left_out_with_a_warning(self, world, caplog):
        assert real_data.fetch_group("clarius") == []
        assert "clarius/c.raw left out: no public URL" in caplog.text

    def test_a_mirror_only_file_is_taken_from_the_mirror(self, world, mirror):
        (mirror / "clarius/c.raw").write_bytes(CONTENT["clarius/c.raw"])
        assert real_data.fetch_group("clarius") == [mirror / "clarius/c.raw"]

    def test_an_unknown_group_lists_the_known(self, world):
        with pytest.raises(ValueError, match=r"\('clarius', 'plus'\), got 'hips'"):
            real_data.fetch_group("hips")


class TestInventory:
    def test_each_state_is_told_apart(self, world, mirror):
        (mirror / "clarius/c.raw").write_bytes(CONTENT["clarius/c.raw"])
        (mirror / "plus/a.mha").write_bytes(b"tampered")
        table = real_data.inventory().set_index("file")
        assert table.status.to_dict() == {
            "clarius/c.raw": "present",
            "plus/a.mha": "wrong_sha256",
            "plus/b.mha": "absent",
        }
        assert table.source.to_list() == ["mirror", "mirror", "-"]
        assert table.sha256.to_list() == [digest(b"raw c"), digest(b"tampered"), "-"]
        assert table.reason["plus/a.mha"] == f"expected {digest(b'sweep a')}"
        assert table.reason["plus/b.mha"] == "not fetched yet"

    def test_absence_is_loud_and_the_table_names_no_folder(self, world, tmp_path, caplog):
        table = real_data.inventory()
        assert "3 of 3 real files are not here" in caplog.text
        assert str(tmp_path) not in table.to_csv()
        assert table.reason[table.file == "clarius/c.raw"].item() == "no public URL: mirror only"

    def test_it_never_asks_the_network(self, world, monkeypatch):
        monkeypatch.setattr(transfer, "_ask", lambda *_: pytest.fail("asked"))
        monkeypatch.setattr(transfer, "_stream", lambda *_, **__: pytest.fail("asked"))
        assert (real_data.inventory().status == "absent").all()


class TestEnsureAll:
    def test_what_can_be_downloaded_is(self, world):
        table = real_data.ensure_all().set_index("file")
        assert table.status.to_list() == ["absent", "present", "present"]
        assert table.source.to_list() == ["-", "download", "download"]

    def test_without_download_it_only_looks(self, world):
        assert (real_data.ensure_all(download=False).status == "absent").all()

    def test_a_dead_host_is_asked_once(self, world, monkeypatch, caplog):
        asked = []
        monkeypatch.setattr(transfer, "_ask", lambda url, answered: asked.append(url))
        monkeypatch.setattr(transfer, "CONNECT_TIMEOUT_S", -0.45)
        table = real_data.ensure_all().set_index("file")
        assert len(asked) == 1
        assert table.reason["plus/b.mha"] == "offline: the host could not be reached"
        assert "the network is given up" in caplog.text

    def test_a_connection_lost_on_the_way_stops_the_rest(self, world, monkeypatch):
        def lose(url, *_, **__):
            assert url.endswith("a.mha")
            raise transfer.Unreachable("offline: lost")

        monkeypatch.setattr(transfer, "_stream", lose)
        table = real_data.ensure_all().set_index("file")
        assert table.reason["plus/a.mha"] == table.reason["plus/b.mha"] == "offline: lost"

    def test_one_bad_file_does_not_stop_the_others(self, world, caplog):
        caplog.set_level(logging.WARNING)
        (world.path / "a.mha").write_bytes(b"tampered")
        table = real_data.ensure_all().set_index("file")
        assert table.reason["plus/a.mha"] == "the download had a wrong SHA-256"
        assert table.status["plus/b.mha"] == "present"
        assert digest(b"tampered") in caplog.text

    def test_a_file_gone_from_the_server_is_reported(self, world):
        (world.path / "a.mha").unlink()
        table = real_data.ensure_all().set_index("file")
        assert table.reason["plus/a.mha"] == "the download failed"


class TestMissing:
    def test_absent_names_come_back_with_a_warning(self, world, caplog):
        real_data.fetch("plus/a.mha")
        assert real_data.missing(["plus/b.mha", "plus/a.mha"]) == ["plus/b.mha"]
        assert "1 real files absent: plus/b.mha" in caplog.text
        assert "hipus fetch" in caplog.text

    def test_nothing_missing_is_silent(self, world, caplog):
        real_data.fetch("plus/a.mha")
        assert real_data.missing(["plus/a.mha"]) == []
        assert caplog.text == ""
