"""One download: verified, bounded in time, nothing left behind. Local servers only."""

import hashlib
import os
import socket

import pytest

from hipus.formats import transfer

CONTENT = b"seven frames of a hip" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def network_allowed(monkeypatch):
    """Allow the network, which whoever runs the tests may have forbidden."""
    monkeypatch.delenv("HIPUS_OFFLINE", raising=False)


@pytest.fixture
def closed_url() -> str:
    """Return a URL on a local port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/x"


class TestToFile:
    def test_the_content_arrives_below_new_folders(self, web_folder, tmp_path):
        (web_folder.path / "a.bin").write_bytes(CONTENT)
        target = tmp_path / "deep" / "er" / "a.bin"
        assert transfer.to_file(web_folder.url + "a.bin", target, sha256=DIGEST) == target
        assert target.read_bytes() == CONTENT

    def test_a_tampered_file_is_named_with_both_digests_and_removed(self, web_folder, tmp_path):
        (web_folder.path / "a.bin").write_bytes(CONTENT + b"!")
        got = hashlib.sha256(CONTENT + b"!").hexdigest()
        target = tmp_path / "out" / "a.bin"
        with pytest.raises(ValueError, match=rf"a\.bin from .*must be {DIGEST}, got {got}"):
            transfer.to_file(web_folder.url + "a.bin", target, sha256=DIGEST)
        assert os.listdir(target.parent) == []

    def test_a_tampered_download_leaves_an_older_file_as_it_was(self, web_folder, tmp_path):
        (web_folder.path / "a.bin").write_bytes(b"tampered")
        target = tmp_path / "a.bin"
        target.write_bytes(b"older")
        with pytest.raises(ValueError, match="SHA-256 must be"):
            transfer.to_file(web_folder.url + "a.bin", target, sha256=DIGEST)
        assert target.read_bytes() == b"older"

    def test_an_answer_without_end_is_broken_off(self, web_folder, tmp_path):
        (web_folder.path / "a.bin").write_bytes(CONTENT)
        options = {"sha256": DIGEST, "max_bytes": len(CONTENT) - 1}
        with pytest.raises(ValueError, match=r"a\.bin from .*: must be <= 20999 bytes, got more"):
            transfer.to_file(web_folder.url + "a.bin", tmp_path / "out" / "a.bin", **options)
        assert os.listdir(tmp_path / "out") == []
        options["max_bytes"] += 1
        assert transfer.to_file(web_folder.url + "a.bin", tmp_path / "a.bin", **options).is_file()

    def test_a_refusing_server_is_named_with_its_status(self, web_folder, tmp_path):
        with pytest.raises(OSError, match=r"absent\.bin: the server answered 404"):
            transfer.to_file(web_folder.url + "absent.bin", tmp_path / "a", sha256=DIGEST)
        assert not (tmp_path / "a").exists()

    def test_a_closed_port_is_unreachable(self, closed_url, tmp_path):
        with pytest.raises(transfer.Unreachable, match="the host could not be reached"):
            transfer.to_file(closed_url, tmp_path / "a", sha256=DIGEST)

    def test_an_address_that_is_none_says_so(self, tmp_path):
        with pytest.raises(OSError, match="the download failed: Invalid URL"):
            transfer.to_file("http://", tmp_path / "a", sha256=DIGEST)

    def test_a_file_in_place_of_the_folder_cannot_be_written(self, web_folder, tmp_path):
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(OSError, match="cannot write .*a.bin"):
            transfer.to_file(web_folder.url, tmp_path / "file" / "a.bin", sha256=DIGEST)

    def test_the_environment_can_forbid_the_network(self, web_folder, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_OFFLINE", "1")
        with pytest.raises(transfer.Unreachable, match="HIPUS_OFFLINE is set"):
            transfer.to_file(web_folder.url, tmp_path / "a", sha256=DIGEST)


class TestCheckNetwork:
    def test_any_answer_counts_even_a_404(self, web_folder):
        transfer.check_network(web_folder.url + "absent.bin")

    def test_silence_is_unreachable(self, closed_url):
        with pytest.raises(transfer.Unreachable, match="could not be reached"):
            transfer.check_network(closed_url)

    def test_a_name_server_that_hangs_does_not_hang_us(self, monkeypatch):
        monkeypatch.setattr(transfer, "CONNECT_TIMEOUT_S", -0.45)
        monkeypatch.setattr(transfer, "_ask", lambda url, answered: answered.wait(5))
        with pytest.raises(transfer.Unreachable, match="could not be reached"):
            transfer.check_network("http://127.0.0.1/")

    def test_forbidden_comes_first_and_asks_nobody(self, monkeypatch):
        monkeypatch.setenv("HIPUS_OFFLINE", "1")
        monkeypatch.setattr(transfer, "_ask", lambda *_: pytest.fail("asked"))
        with pytest.raises(transfer.Unreachable, match="HIPUS_OFFLINE is set"):
            transfer.check_network("http://127.0.0.1/")

    @pytest.mark.parametrize(("value", "expected"), [("", False), ("0", False), ("1", True)])
    def test_zero_or_nothing_allows_the_network(self, monkeypatch, value, expected):
        monkeypatch.setenv("HIPUS_OFFLINE", value)
        assert transfer.is_forbidden() is expected
