"""Clarius recordings: the layout byte by byte, sizes that are checked, copies that agree."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from hipus.formats import clarius


def header(**changes) -> clarius.Header:
    """Return a header of 3 frames of 4 lines of 5 samples."""
    values = {
        "frames": 3,
        "lines": 4,
        "samples_per_line": 5,
        "sample_bytes": 1,
        "frame_rate_hz": 18.0,
        "transmit_frequency_hz": 10e6,
        "sampling_rate_hz": 15e6,
        "imaging_depth_mm": 30.0,
        "focal_depth_mm": 15.0,
        "delay_samples": 16,
        "line_element": np.array([0.0, 0.63, 1.26, 1.89]),
        "line_angle_deg": np.array([0.0, 0.0, 0.0, -1.5]),
    }
    return clarius.Header(**values | changes)


STAMPS_NS = (339419692165, 340053078259, 340123192919)


@pytest.fixture
def pair(tmp_path, rng):
    """Return a `.raw` packed by hand beside its `.yml`, and the samples packed."""
    samples = rng.integers(0, 256, (3, 4, 5), dtype=np.uint8)
    content = struct.pack("<5I", 7, 3, 4, 5, 1)
    for stamp, frame in zip(STAMPS_NS, samples, strict=True):
        content += struct.pack("<Q", stamp) + frame.tobytes()
    path = tmp_path / "hip_env.raw"
    path.write_bytes(content)
    clarius.write_header(header(), tmp_path / "hip_env.yml")
    return path, samples


def patch(path, index: int, value: int):
    """Overwrite one 32-bit word of a header."""
    content = bytearray(path.read_bytes())
    content[4 * index : 4 * index + 4] = struct.pack("<I", value)
    path.write_bytes(bytes(content))


class TestReadRaw:
    def test_samples_times_and_kind_are_the_files(self, pair):
        path, samples = pair
        found = clarius.read_raw(path)
        np.testing.assert_array_equal(found.samples, samples)
        np.testing.assert_allclose(found.time_s, np.array(STAMPS_NS) * 1e-9, rtol=1e-15)
        assert (found.kind, found.frame_id, len(found)) == ("envelope", 7, 3)

    def test_samples_stay_on_disk_until_sliced(self, pair):
        path, _ = pair
        found = clarius.read_raw(path)
        assert isinstance(found.samples, np.memmap)
        content = bytearray(path.read_bytes())
        content[-1] = 123
        with open(path, "r+b") as stream:
            stream.write(content)
        assert found.samples[2:3][0, -1, -1] == 123

    @pytest.mark.parametrize(
        ("size", "kind", "dtype", "tail"), [(2, "rf", "<i2", ()), (4, "iq", "<i2", (2,))]
    )
    def test_sixteen_bit_kinds(self, tmp_path, rng, size, kind, dtype, tail):
        samples = rng.integers(-30000, 30000, (3, 4, 5, *tail)).astype(dtype)
        content = struct.pack("<5I", 1, 3, 4, 5, size)
        for stamp, frame in zip(STAMPS_NS, samples, strict=True):
            content += struct.pack("<Q", stamp) + frame.tobytes()
        (tmp_path / "a.raw").write_bytes(content)
        clarius.write_header(header(sample_bytes=size), tmp_path / "a.yml")
        found = clarius.read_raw(tmp_path / "a.raw")
        np.testing.assert_array_equal(found.samples, samples)
        assert found.kind == kind

    def test_the_header_may_lie_elsewhere(self, pair, tmp_path):
        path, samples = pair
        moved = tmp_path / "elsewhere.yml"
        path.with_suffix(".yml").rename(moved)
        np.testing.assert_array_equal(clarius.read_raw(path, moved).samples, samples)
        with pytest.raises(FileNotFoundError, match=r"hip_env\.yml: no such Clarius header"):
            clarius.read_raw(path)


class TestBadRaw:
    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"a\.raw: no such Clarius recording"):
            clarius.read_raw(tmp_path / "a.raw")

    def test_a_compressed_file_says_how_to_decompress_it(self, tmp_path):
        with pytest.raises(ValueError, match=r"a\.raw\.lzo is compressed with LZO.*lzop -d"):
            clarius.read_raw(tmp_path / "a.raw.lzo")

    def test_less_than_a_header(self, pair):
        pair[0].write_bytes(b"123")
        with pytest.raises(ValueError, match="the header must be 20 bytes, got 3"):
            clarius.read_raw(pair[0])

    @pytest.mark.parametrize(
        ("cut", "fault"), [(slice(None, -1), "is truncated"), (slice(None), "has bytes left over")]
    )
    def test_a_size_other_than_declared(self, pair, cut, fault):
        content = pair[0].read_bytes()
        pair[0].write_bytes(content[cut] + (b"" if cut.stop else b"!"))
        got = len(content) + (-1 if cut.stop else 1)
        with pytest.raises(ValueError, match=f"{fault}: 3 frames of 4 x 5 x 1 bytes make 104 b.*"):
            clarius.read_raw(pair[0])
        assert len(content) == 104
        assert pair[0].stat().st_size == got

    @pytest.mark.parametrize("word", [1, 2, 3])
    def test_zero_frames_lines_or_samples(self, pair, word):
        patch(pair[0], word, 0)
        with pytest.raises(ValueError, match="frames, lines and samples must be positive, got"):
            clarius.read_raw(pair[0])

    @pytest.mark.parametrize("size", [0, 3, 8])
    def test_an_unknown_sample_size(self, pair, size):
        patch(pair[0], 4, size)
        with pytest.raises(ValueError, match=f"sample size must be 1, 2 or 4 bytes, got {size}"):
            clarius.read_raw(pair[0])

    def test_a_declared_size_larger_than_any_frame_allocates_nothing(self, pair):
        patch(pair[0], 2, 0xFFFFFFFF)
        patch(pair[0], 3, 0xFFFFFFFF)
        with pytest.raises(ValueError, match="a frame must be <= 268435456 bytes, got 18446744"):
            clarius.read_raw(pair[0])

    def test_a_declared_number_of_frames_beyond_the_file(self, pair):
        patch(pair[0], 1, 0xFFFFFFFF)
        with pytest.raises(ValueError, match="is truncated: 4294967295 frames"):
            clarius.read_raw(pair[0])

    def test_the_header_of_another_recording(self, pair):
        path = pair[0]
        other = header(lines=2, line_element=[0, 1], line_angle_deg=[0, 0])
        clarius.write_header(other, path.with_suffix(".yml"))
        with pytest.raises(ValueError, match=r"the \.yml says number of lines 2, the \.raw says 4"):
            clarius.read_raw(path)

    def test_times_that_step_back_are_named(self, pair):
        content = bytearray(pair[0].read_bytes())
        content[20 + 28 : 20 + 36] = struct.pack("<Q", 1)
        pair[0].write_bytes(bytes(content))
        with pytest.raises(ValueError, match=r"hip_env\.raw: frame times must increase.*sample 1"):
            clarius.read_raw(pair[0])


class TestRecording:
    def test_samples_must_fit_their_kind_and_header(self, pair):
        found = clarius.read_raw(pair[0])
        with pytest.raises(ValueError, match=r"samples must be int16 \(3, 4, 5\) for kind 'rf'"):
            replace(found, kind="rf")
        with pytest.raises(ValueError, match=r"got uint8 \(2, 4, 5\)"):
            replace(found, samples=found.samples[:2])
        with pytest.raises(ValueError, match=r"kind must be one of \['envelope', 'iq', 'rf'\]"):
            replace(found, kind="colour")


class TestWriteRaw:
    def test_a_copy_has_the_same_bytes(self, pair, tmp_path):
        copy = clarius.write_raw(clarius.read_raw(pair[0]), tmp_path / "copy" / "hip_env.raw")
        assert copy.read_bytes() == pair[0].read_bytes()
        original = pair[0].with_suffix(".yml").read_text()
        assert copy.with_suffix(".yml").read_text() == original

    def test_other_suffixes_and_negative_times_are_refused(self, pair, tmp_path):
        found = clarius.read_raw(pair[0])
        with pytest.raises(ValueError, match=r"path must end in \.raw, got 'a\.mha'"):
            clarius.write_raw(found, tmp_path / "a.mha")
        with pytest.raises(ValueError, match="time_s must not be negative, got -1"):
            clarius.write_raw(replace(found, time_s=[-1.0, 0.0, 1.0]), tmp_path / "a.raw")
        assert not (tmp_path / "a.raw").exists()

    def test_a_header_that_counts_other_frames_is_refused(self, pair, tmp_path):
        found = clarius.read_raw(pair[0])
        wrong = replace(found, header=replace(found.header, frames=9))
        with pytest.raises(ValueError, match=r"says frames 9, the \.raw says 3"):
            clarius.write_raw(wrong, tmp_path / "a.raw")


class TestLogCompress:
    def test_each_20_db_takes_its_share_of_the_grey_scale(self):
        found = clarius.log_compress(np.array([1.0, 0.1, 0.01, 1e-3, 1e-9, 0.0]) * 37)
        assert found.tolist() == [255, 170, 85, 0, 0, 0]

    def test_half_the_range_is_half_as_deep(self):
        assert clarius.log_compress(np.array([1.0, 0.1]), dynamic_range_db=40).tolist() == [
            255,
            128,
        ]

    def test_silence_is_black(self):
        assert clarius.log_compress(np.zeros((2, 3))).tolist() == [[0] * 3] * 2

    def test_bad_input_is_refused(self):
        with pytest.raises(ValueError, match="dynamic_range_db must be positive, got 0"):
            clarius.log_compress(np.ones(2), dynamic_range_db=0)
        for bad in (-1.0, np.nan, np.inf):
            with pytest.raises(ValueError, match="envelope must be finite and >= 0"):
                clarius.log_compress(np.array([1.0, bad]))


@pytest.mark.real
class TestOpenExample:
    def test_the_open_recording_is_read_with_its_times(self, real_file):
        real_file("clarius/doppler/carotid_env.yml")
        found = clarius.read_raw(real_file("clarius/doppler/carotid_env.raw"))
        assert found.samples.shape == (1, 304, 592)
        assert found.kind == "envelope"
        np.testing.assert_allclose(found.time_s, 272.547324170, atol=1e-9)

    def test_the_lines_of_the_open_recording_are_not_sheared(self, real_file):
        # Speckle of neighbouring lines agrees only if the header's length and the order of
        # lines and samples are right: one sample off already costs correlation.
        real_file("clarius/doppler/carotid_env.yml")
        lines = clarius.read_raw(real_file("clarius/doppler/carotid_env.raw")).samples[0]
        lines = lines.astype(float)

        def agreement(shift):
            first, second = lines[:-1, 50:500], lines[1:, 50 + shift : 500 + shift]
            return np.corrcoef(first.ravel(), second.ravel())[0, 1]

        agreements = {shift: agreement(shift) for shift in range(-3, 4)}
        assert max(agreements, key=agreements.get) == 0
        assert agreements[0] > 0.8

    def test_a_copy_of_the_open_recording_has_the_same_bytes(self, real_file, tmp_path):
        original = real_file("clarius/doppler/carotid_env.raw")
        copy = clarius.write_raw(clarius.read_raw(original), tmp_path / "copy.raw")
        assert copy.read_bytes() == original.read_bytes()
