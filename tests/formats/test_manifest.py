"""The registry: rows that cannot be trusted are refused, names are helped."""

import pandas as pd
import pytest

from hipus import paths
from hipus.formats import manifest

DIGEST = "0" * 63 + "a"
ROW = {
    "file": "plus/a.mha",
    "bytes": 3,
    "sha256": DIGEST,
    "repository": "o/r",
    "commit": "",
    "path": "",
    "url": "",
    "licence": "BSD-3-Clause",
    "attribution": "someone",
}


@pytest.fixture
def write_registry(tmp_path, monkeypatch):
    """Return a function that makes a study folder with a registry of the given rows."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    folder = tmp_path / "data" / "real"
    folder.mkdir(parents=True)

    def write(*changes):
        table = pd.DataFrame([ROW | change for change in changes])
        table.to_csv(folder / "manifest.csv", index=False)

    return write


class TestRegistry:
    def test_rows_are_sorted_and_carry_their_group(self, write_registry):
        write_registry({"file": "plus/b.mha"}, {"file": "clarius/deep/a.raw"})
        table = manifest.registry()
        assert table.file.tolist() == ["clarius/deep/a.raw", "plus/b.mha"]
        assert table.group.tolist() == ["clarius", "plus"]
        assert manifest.groups() == ("clarius", "plus")

    def test_a_mirror_only_file_has_an_empty_url_not_nan(self, write_registry):
        write_registry({})
        assert manifest.registry().url.tolist() == [""]

    def test_an_edited_registry_is_read_again(self, write_registry):
        write_registry({})
        assert len(manifest.registry()) == 1
        write_registry({}, {"file": "plus/b.mha"})
        assert len(manifest.registry()) == 2

    def test_a_caller_cannot_change_the_registry_of_another(self, write_registry):
        write_registry({})
        mine = manifest.registry()
        mine.loc[0, "sha256"] = "changed"
        assert manifest.registry().sha256.tolist() == [DIGEST]

    def test_an_absent_registry_says_which_command_gets_it(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        with pytest.raises(FileNotFoundError, match=r"manifest\.csv is missing.*dvc pull"):
            manifest.registry()

    def test_a_file_listed_twice_is_refused(self, write_registry):
        write_registry({}, {})
        with pytest.raises(ValueError, match=r"file must be unique, got 'plus/a\.mha' twice"):
            manifest.registry()

    @pytest.mark.parametrize("name", ["../secret", "plus/../../x", "/etc/passwd", "lonely.mha"])
    def test_a_name_outside_a_group_folder_is_refused(self, write_registry, name):
        write_registry({"file": name})
        with pytest.raises(ValueError, match="file must be a relative group/name, got"):
            manifest.registry()

    @pytest.mark.parametrize("digest", ["", "abc", "A" * 64, "g" * 64])
    def test_a_digest_that_is_no_sha256_is_refused(self, write_registry, digest):
        write_registry({"sha256": digest})
        with pytest.raises(ValueError, match=r"sha256 of plus/a\.mha must be 64 hex digits"):
            manifest.registry()


class TestEntry:
    def test_an_unknown_name_suggests_the_nearest(self, write_registry):
        write_registry({"file": "plus/SpinePhantomFreehand.igs.mha"})
        with pytest.raises(ValueError, match=r"did you mean plus/SpinePhantomFreehand\.igs\.mha"):
            manifest.entry("SpinePhantomFreehand.igs.mha")

    def test_a_name_like_no_other_lists_the_groups(self, write_registry):
        write_registry({})
        with pytest.raises(ValueError, match=r"got '0123456789'; groups are \('plus',\)"):
            manifest.entry("0123456789")


class TestShippedRegistry:
    def test_every_file_states_origin_licence_and_attribution(self):
        if not (paths.data_dir() / "real" / "manifest.csv").is_file():
            pytest.skip("data/real/manifest.csv absent: run `dvc pull data.dvc`")
        table = manifest.registry()
        assert len(table) == 110
        assert (table[["repository", "licence", "attribution"]] != "").all(axis=None)
        assert table[table.url == ""].file.str.startswith("plus/spine_NN_MEAN_05").all()
        pinned = table[table.url != ""]
        assert all(c in u for c, u in zip(pinned.commit, pinned.url, strict=True))
