"""Wholly written or not at all, and fingerprints."""

import errno
import hashlib
import os

import pytest

from hipus.files import atomic_path, sha256, write_text


class TestAtomicPath:
    def test_success_moves_the_content_and_leaves_nothing_else(self, tmp_path):
        target = tmp_path / "deep" / "er" / "volume.nii.gz"
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"abc")
            assert not target.exists()
        assert target.read_bytes() == b"abc"
        assert list(target.parent.iterdir()) == [target]

    def test_temporary_name_keeps_folder_and_suffixes(self, tmp_path):
        with atomic_path(tmp_path / "volume.nii.gz") as temporary:
            assert temporary.parent == tmp_path
            assert temporary.name.endswith(".nii.gz")
            assert temporary.name != "volume.nii.gz"

    def test_failure_keeps_the_older_file_and_removes_the_half_written_one(self, tmp_path):
        target = tmp_path / "table.csv"
        target.write_text("old")

        def fail_half_way():
            with atomic_path(target) as temporary:
                temporary.write_text("ha")
                raise KeyError("interrupted")

        with pytest.raises(KeyError):
            fail_half_way()
        assert target.read_text() == "old"
        assert list(tmp_path.iterdir()) == [target]

    def test_unwritable_place_is_named(self, tmp_path):
        (tmp_path / "file").write_text("")
        with (
            pytest.raises(OSError, match=r"cannot write .*file/inside/table.csv: Not a directory"),
            atomic_path(tmp_path / "file" / "inside" / "table.csv"),
        ):
            pass

    def test_a_folder_in_the_way_is_an_error_and_stays(self, tmp_path):
        (tmp_path / "table.csv").mkdir()
        with (
            pytest.raises(OSError, match="table.csv: it is a folder"),
            atomic_path(tmp_path / "table.csv"),
        ):
            pass
        assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]

    def test_a_pipe_or_device_is_never_replaced_by_a_file(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with (
            pytest.raises(OSError, match="cannot write .*pipe: it is a pipe or a device"),
            atomic_path(tmp_path / "pipe"),
        ):
            pass
        assert (tmp_path / "pipe").is_fifo()

    def test_a_full_disk_names_the_file_and_leaves_nothing(self, tmp_path):
        def fill_up():
            with atomic_path(tmp_path / "volume.mha"):
                raise OSError(errno.ENOSPC, "No space left on device")

        with pytest.raises(OSError, match="cannot write .*volume.mha: No space left on device"):
            fill_up()
        assert list(tmp_path.iterdir()) == []

    def test_an_error_about_another_file_is_passed_on(self, tmp_path):
        def read_elsewhere():
            with atomic_path(tmp_path / "volume.mha"):
                (tmp_path / "absent.raw").read_bytes()

        with pytest.raises(FileNotFoundError, match="absent.raw"):
            read_elsewhere()


class TestText:
    def test_unix_line_ends_and_utf8_everywhere(self, tmp_path):
        path = write_text(tmp_path / "note.txt", "a\nµ\n")
        assert path.read_bytes() == b"a\n\xc2\xb5\n"


class TestSha256:
    def test_is_the_published_digest_of_abc(self, tmp_path):
        (tmp_path / "abc").write_bytes(b"abc")
        expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert sha256(tmp_path / "abc") == expected

    def test_content_longer_than_a_block_is_read_whole(self, tmp_path):
        content = bytes(range(256)) * 10_000
        (tmp_path / "long").write_bytes(content)
        assert sha256(tmp_path / "long") == hashlib.sha256(content).hexdigest()
