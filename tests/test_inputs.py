"""data.dvc, data/ and the remote inside the repository hold the same files."""

import hashlib
import json

import yaml

from hipus import paths

REMOTE = paths.root() / "data-remote" / "files" / "md5"


def stored(md5: str) -> bytes:
    """Return what the remote holds under a hash."""
    return (REMOTE / md5[:2] / md5[2:]).read_bytes()


def test_the_remote_holds_what_data_dvc_names_and_that_is_what_lies_in_data():
    (named,) = yaml.safe_load((paths.root() / "data.dvc").read_text())["outs"]
    listed = {row["relpath"]: row["md5"] for row in json.loads(stored(named["md5"]))}
    assert len(listed) == named["nfiles"] > 0
    data = paths.root() / "data"
    lies = {str(p.relative_to(data)): p for p in data.rglob("*") if p.is_file()}
    assert sorted(lies) == sorted(listed), "`dvc commit data.dvc && dvc push data.dvc`"
    for name, path in lies.items():
        content = path.read_bytes()
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == listed[name], name
        assert stored(listed[name]) == content, name
