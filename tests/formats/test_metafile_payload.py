"""Frames on disk: reached on demand, in bounded memory, never beyond what is declared."""

import pickle
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from metafile_text import COUNT, HEIGHT, WIDTH, frame_fields, mha_bytes, pixels, write_mha

from hipus.formats import inflate, metafile
from hipus.sweep import FrameStack

FORTY = {"count": 40, "height": 5, "width": 9}
PARTS = [
    slice(None),
    slice(3, 17),
    slice(30, 40),
    slice(0, 2),
    slice(25, 10, -1),
    slice(1, 39, 7),
    slice(39, None, -5),
    slice(5, 5),
    slice(-4, None),
]


@pytest.fixture(params=[False, True], ids=["raw", "compressed"])
def forty(request, tmp_path):
    """Return a file of forty frames and its pixels."""
    path = write_mha(tmp_path, compressed=request.param, **FORTY)
    return path, pixels(**FORTY)


class TestAccess:
    def test_slices_are_those_of_the_array_in_any_order(self, forty):
        path, expected = forty
        frames = metafile.read(path).frames
        assert isinstance(frames, FrameStack)
        for part in PARTS + PARTS[::-1]:
            np.testing.assert_array_equal(frames[part], expected[part])

    def test_going_back_restarts_at_a_checkpoint(self, forty, monkeypatch):
        monkeypatch.setattr(inflate, "_CHECKPOINT_BYTES", 5 * 9 * 6)
        monkeypatch.setattr(inflate, "BLOCK_BYTES", 5 * 9 * 4)
        monkeypatch.setattr(inflate, "_CHUNK_BYTES", 11)
        path, expected = forty
        frames = metafile.read(path).frames
        if isinstance(frames, inflate.DeflatedFrames):
            assert [place.frame for place in frames._checkpoints] == [0, 8, 16, 24, 32, 40]
        for index in np.random.default_rng(3).integers(0, 40, 60):
            np.testing.assert_array_equal(frames[int(index)], expected[index])

    def test_integers_length_and_array_are_those_of_a_sequence(self, forty):
        path, expected = forty
        frames = metafile.read(path).frames
        assert len(frames) == 40
        np.testing.assert_array_equal(frames[-1], expected[-1])
        np.testing.assert_array_equal(np.asarray(frames), expected)
        assert np.asarray(frames, dtype=np.float32).dtype == np.float32
        with pytest.raises(IndexError):
            frames[40]

    def test_frames_travel_to_another_process_as_a_path(self, forty):
        path, expected = forty
        frames = metafile.read(path).frames
        frames[7:9]
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames))[7:9], expected[7:9])

    def test_frames_are_found_from_another_folder(self, forty, monkeypatch):
        path, expected = forty
        monkeypatch.chdir(path.parent)
        frames = metafile.read(path.name).frames
        monkeypatch.chdir("/")
        np.testing.assert_array_equal(frames[3], expected[3])

    def test_threads_may_share_frames(self, forty):
        path, expected = forty
        frames = metafile.read(path).frames
        order = np.random.default_rng(0).permutation(40).tolist()
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda index: frames[index], order))
        np.testing.assert_array_equal(got, expected[order])

    def test_a_file_that_was_replaced_is_not_read(self, forty):
        path, _ = forty
        frames = metafile.read(path).frames
        path.write_bytes(mha_bytes(count=41, height=5, width=9))
        with pytest.raises(ValueError, match="has changed since it was opened"):
            frames[0:1]

    def test_a_raw_file_that_shrinks_while_it_is_read_is_refused(self, tmp_path, monkeypatch):
        path = write_mha(tmp_path)
        frames = metafile.read(path).frames
        path.write_bytes(path.read_bytes()[:-5])
        monkeypatch.setattr("hipus.formats.payload._stamp", lambda path: frames._stamp)
        with pytest.raises(ValueError, match="payload ends within frame 2"):
            frames[2]


class TestADamagedPayload:
    @pytest.mark.parametrize("off", [-1, 1, -28])
    def test_a_raw_payload_of_another_size_is_refused(self, tmp_path, off):
        payload = pixels().tobytes() + bytes(28)
        path = write_mha(tmp_path, payload=payload[: 84 + off])
        fault = "truncated" if off < 0 else "followed by extra bytes"
        with pytest.raises(ValueError, match=rf"payload is {fault}, expected 84 .*got {84 + off}"):
            metafile.read(path)

    @pytest.mark.parametrize("lost", [1, 4, 5, 20])
    def test_a_compressed_file_that_was_cut_is_refused(self, tmp_path, lost):
        path = tmp_path / "cut.mha"
        path.write_bytes(mha_bytes(compressed=True)[:-lost])
        with pytest.raises(ValueError, match=r"cut.mha: payload is truncated, expected \d+ bytes"):
            metafile.read(path)

    @pytest.mark.parametrize("lost", [1, 4, 5, 20])
    def test_a_compressed_stream_that_was_cut_is_refused(self, tmp_path, lost):
        stream = zlib.compress(pixels().tobytes())[:-lost]
        path = self.write(tmp_path, stream)
        with pytest.raises(ValueError, match="end mark is gone|payload holds .* bytes, expected"):
            metafile.read(path)

    @pytest.mark.parametrize("declared", ["7 4", "7 5"])
    def test_a_wrong_frame_size_is_refused(self, tmp_path, declared):
        changes = {"DimSize": f"{declared} 3"}
        payload = bytes(7 * (9 - int(declared[-1])) * 3)
        with pytest.raises(ValueError, match="holds more than the declared 84|holds 84 bytes, ex"):
            metafile.read(write_mha(tmp_path, changes, payload, compressed=True))

    def test_bytes_after_the_stream_are_refused(self, tmp_path):
        stream = zlib.compress(pixels().tobytes()) + b"more"
        with pytest.raises(ValueError, match="4 bytes follow the end of the compressed payload"):
            metafile.read(self.write(tmp_path, stream))

    def test_a_flipped_bit_is_found(self, tmp_path):
        stream = bytearray(zlib.compress(pixels().tobytes()))
        stream[-1] ^= 1
        with pytest.raises(ValueError, match=r"compressed payload is damaged near byte \d+"):
            metafile.read(self.write(tmp_path, bytes(stream)))

    def test_damage_is_found_on_the_way_when_the_check_is_left_out(self, tmp_path):
        stream = zlib.compress(pixels().tobytes())[:-8]
        sequence = metafile.read(self.write(tmp_path, stream), checks_payload=False)
        np.testing.assert_array_equal(sequence.frames[0], pixels()[0])
        for _ in range(2):
            with pytest.raises(ValueError, match="made.igs.mha: compressed payload"):
                sequence.frames[:]
        np.testing.assert_array_equal(sequence.frames[0], pixels()[0])

    def test_a_compressed_size_that_is_no_number_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="CompressedDataSize must be a whole number, got 'la"):
            metafile.read(write_mha(tmp_path, {"CompressedDataSize": "large"}, compressed=True))

    def test_a_compressed_file_may_leave_its_size_out(self, tmp_path):
        path = write_mha(tmp_path, {"CompressedDataSize": None}, compressed=True)
        np.testing.assert_array_equal(metafile.read(path).frames[:], pixels())

    def write(self, folder, stream):
        changes = {"CompressedData": "True", "CompressedDataSize": str(len(stream))}
        return write_mha(folder, changes, stream)


class TestMemory:
    def peak_bytes(self, action):
        tracemalloc.start()
        try:
            result = action()
            return result, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def test_a_bomb_is_inflated_no_further_than_declared(self, tmp_path):
        squeeze = zlib.compressobj(9)
        zeros = bytes(1 << 20)
        stream = b"".join(squeeze.compress(zeros) for _ in range(200)) + squeeze.flush()
        changes = {"CompressedData": "True", "CompressedDataSize": str(len(stream))}
        path = write_mha(tmp_path, changes, stream)

        def attempt():
            with pytest.raises(ValueError, match="holds more than the declared 84 bytes"):
                metafile.read(path)

        assert self.peak_bytes(attempt)[1] < 4 << 20

    def test_sizes_that_the_payload_cannot_hold_are_refused_before_allocation(self, tmp_path):
        changes = {"DimSize": "999999999 999999999 3"}

        def attempt():
            with pytest.raises(ValueError, match="compressed bytes cannot hold the 29999999"):
                metafile.read(write_mha(tmp_path, changes, compressed=True))

        assert self.peak_bytes(attempt)[1] < 4 << 20

    def test_ten_thousand_frames_are_read_and_written_in_bounded_memory(self, tmp_path):
        shape = (10_000, 64, 128)
        path = self.write_long(tmp_path, shape)

        def pass_over():
            frames = metafile.read(path).frames
            return sum(int(frames[i : i + 16].max()) for i in range(0, len(frames), 16))

        total, reading = self.peak_bytes(pass_over)
        assert total == 625
        copy = tmp_path / "copy.igs.nrrd"
        _, writing = self.peak_bytes(lambda: metafile.write(copy, metafile.read(path)))
        assert copy.stat().st_size < 2_000_000
        # 82 MB of pixels; what is needed is the header (three numbers a frame) and a block.
        assert np.prod(shape) > 80_000_000
        assert reading < 24_000_000
        assert writing < 40_000_000

    def write_long(self, folder, shape):
        count, height, width = shape
        squeeze = zlib.compressobj(1)
        block = np.ones((100, height, width), np.uint8).tobytes()
        stream = b"".join(squeeze.compress(block) for _ in range(count // 100)) + squeeze.flush()
        changes = dict.fromkeys(frame_fields(3))
        times = {f"Seq_Frame{index:04d}_Timestamp": f"{index / 30:.6f}" for index in range(count)}
        size = {"CompressedData": "True", "CompressedDataSize": str(len(stream))}
        dims = {"DimSize": f"{width} {height} {count}"}
        return write_mha(folder, {**changes, **times, **size, **dims}, stream)


def test_the_fixture_distinguishes_rows_from_columns():
    assert pixels().shape == (COUNT, HEIGHT, WIDTH)
    assert HEIGHT != WIDTH
