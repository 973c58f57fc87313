"""XML of the PLUS toolkit: numbers over several lines, and files that are none."""

from xml.etree.ElementTree import Element

import numpy as np
import pytest

from hipus.formats import plus_xml


@pytest.fixture
def parse(tmp_path):
    """Return a function that parses a text from a file."""

    def from_text(text: str):
        path = tmp_path / "device.xml"
        path.write_text(text)
        return plus_xml.parse(path)

    return from_text


class TestParsing:
    def test_the_root_element_is_returned(self, parse):
        assert parse('<PlusConfiguration version="2.1"/>').get("version") == "2.1"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "no element found"),
            ("<a>", "no element found"),
            ('<?xml version="1.0" encoding="klingon"?><a/>', "unknown encoding: klingon"),
            ('<?xml version="1.0" encoding="utf-7"?><a/>', "multi-byte encodings are not"),
            ('<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>', "DTDForbidden"),
            ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hosts">]><a>&b;</a>', "DTDForbidden"),
        ],
    )
    def test_what_is_no_plain_xml_is_refused_by_file(self, parse, text, message):
        with pytest.raises(ValueError, match=rf"^device\.xml: not a readable PLUS .*{message}"):
            parse(text)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"absent\.xml"):
            plus_xml.parse(tmp_path / "absent.xml")


class TestAttributes:
    def test_numbers_may_stand_on_several_padded_lines(self):
        wire = Element("Wire", {"End": "\n  1 -2.5\n\t3e2 \n"})
        assert plus_xml.numbers(wire, "End", "x.xml", count=3) == (1.0, -2.5, 300.0)

    def test_a_matrix_is_read_row_by_row(self):
        text = " ".join(str(number) for number in range(16))
        T = plus_xml.matrix(Element("Transform", {"Matrix": text}), "Matrix", "x.xml")
        np.testing.assert_array_equal(T, np.arange(16).reshape(4, 4))

    def test_whole_numbers_are_integers(self):
        clip = plus_xml.whole_numbers(Element("C", {"Size": "7 8.0"}), "Size", "x.xml", count=2)
        assert clip == (7, 8)
        assert all(type(side) is int for side in clip)

    @pytest.mark.parametrize("text", ["1 2", "1 2 3 4", "1 2 three", "1 2 nan", "1 2 inf", ""])
    def test_anything_but_finite_numbers_is_refused(self, text):
        message = rf"^x\.xml: Wire End must be 3 finite numbers, got '{text}'$"
        with pytest.raises(ValueError, match=message):
            plus_xml.numbers(Element("Wire", {"End": text}), "End", "x.xml", count=3)

    def test_parts_of_numbers_are_not_whole(self):
        with pytest.raises(
            ValueError, match=r"^x\.xml: C Size must be 2 whole numbers, got '7 8\.5'"
        ):
            plus_xml.whole_numbers(Element("C", {"Size": "7 8.5"}), "Size", "x.xml", count=2)

    def test_a_missing_attribute_is_named(self):
        with pytest.raises(ValueError, match=r"^x\.xml: Wire has no attribute Name$"):
            plus_xml.attribute(Element("Wire"), "Name", "x.xml")

    def test_a_long_text_is_cut_in_the_message(self):
        with pytest.raises(ValueError, match=r"got '1{57}\.\.\.'$"):
            plus_xml.numbers(Element("Wire", {"End": "1" * 900}), "End", "x.xml", count=3)
