"""YAML without surprises: what is accepted, and what is refused before it hurts."""

import pytest

from hipus import plain_yaml


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the documents of a text."""

    def from_text(text: str, **options):
        path = tmp_path / "a.yml"
        path.write_text(text, encoding="utf-8")
        return plain_yaml.read_documents(path, max_bytes=4096, **options)

    return from_text


class TestReading:
    def test_each_document_is_one_value(self, read):
        assert read("a: 1\nb: {c: [2, 0.5]}\n---\n- x\n") == [{"a": 1, "b": {"c": [2, 0.5]}}, ["x"]]

    def test_an_empty_file_has_no_document(self, read):
        assert read("# nothing\n") == []

    def test_a_text_can_be_mended_first(self, read):
        assert read("a: }{", mend=lambda text: text.replace("}{", "'}{'")) == [{"a": "}{"}]

    def test_the_same_key_in_two_blocks_is_fine(self, read):
        assert read("a: {n: 1}\nb: {n: 2}") == [{"a": {"n": 1}, "b": {"n": 2}}]

    def test_a_number_and_its_text_are_different_keys(self, read):
        assert read("1: a\n'1': b") == [{1: "a", "1": "b"}]


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: 1\nb: 2\na: 3", r"key 'a' is stated twice\n.*line 3"),
            ("c: {a: 1, a: 1}", "key 'a' is stated twice"),
            ("a: &x {n: 1}\nb: {<<: *x}", "merge key"),
            ("? !!merge x\n: {n: 1}", "merge key"),
            ("a: [", "while parsing"),
            ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
            ("? [1, 2]\n: 3", r"(?s:.*)found unhashable key"),
        ],
    )
    def test_the_message_names_file_and_fault(self, read, text, message):
        with pytest.raises(ValueError, match=rf"a\.yml is no readable YAML: {message}"):
            read(text)

    def test_a_file_above_the_limit_is_not_read(self, read):
        with pytest.raises(ValueError, match=r"a\.yml must be <= 4096 bytes, got 4097"):
            read("#" * 4097)

    def test_bytes_that_are_no_text(self, tmp_path):
        (tmp_path / "a.yml").write_bytes(b"a: \xff")
        with pytest.raises(ValueError, match=r"a\.yml is no readable YAML: .*can't decode"):
            plain_yaml.read_documents(tmp_path / "a.yml", max_bytes=99)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"absent\.yml"):
            plain_yaml.read_documents(tmp_path / "absent.yml", max_bytes=99)

    def test_a_value_of_ten_to_the_nine_aliases_fits_a_message(self, read):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        for level in range(1, 9):
            lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
        (found,) = read("\n".join(lines))
        assert len(plain_yaml.short(found["a8"])) < 1000
