"""The protocol: what is read, what is refused, and where its numbers come from."""

import numpy as np
import pytest

from hipus import paths, tables
from hipus.phantom.acquisition import protocol
from hipus.phantom.acquisition.protocol import SweepKind, read_protocol, sweep_kind

HEADER = "sweep_type,side,order,duration_s_mean,is_volumetric\n"


def written(folder, *lines):
    """Write a protocol of some lines and return its path."""
    path = folder / "sweeps.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return path


class TestTheStudysProtocol:
    def test_has_three_sweeps_of_each_side_in_order(self):
        kinds = read_protocol()
        assert [kind.sweep_id for kind in kinds] == [
            *("left_graf", "left_p_a", "left_p_d"),
            *("right_graf", "right_p_a", "right_p_d"),
        ]
        assert [kind.order for kind in kinds] == [1, 2, 3, 4, 5, 6]

    def test_has_the_printed_durations(self):
        printed = tables.read(paths.data_dir() / "published" / "midl2026_text_claims.csv")
        claims = printed.set_index("claim_id")["value"]
        means = {kind.sweep_type: kind.duration_s_mean for kind in read_protocol()}
        assert means["p_a"] == float(claims["M013"])
        assert means["p_d"] == means["graf"] == float(claims["M014"])

    def test_frame_rate_gives_the_printed_frames_in_the_printed_durations(self):
        printed = tables.read(paths.data_dir() / "published" / "midl2026_text_claims.csv")
        claims = printed.set_index("claim_id")["value"].astype(str)
        seconds = (float(claims["M013"]) + float(claims["M014"])) / 2
        assert protocol.FRAME_RATE_HZ_MEAN * seconds == pytest.approx(float(claims["M031"]))
        assert round(protocol.FRAME_RATE_HZ_MEAN, 1) == 8.9

    def test_only_the_graf_sweeps_make_no_volume(self):
        volumetric = {kind.sweep_type: kind.is_volumetric for kind in read_protocol()}
        assert volumetric == {"graf": False, "p_a": True, "p_d": True}

    def test_paths_are_the_assumed_ones(self):
        paths_mm = {
            kind.sweep_type: (kind.path_length_mm_mean, kind.path_length_mm_sd)
            for kind in read_protocol()
        }
        assert paths_mm["p_a"] == (30.0, 5.0)
        assert paths_mm["p_d"] == (50.0, 8.0)


class TestAProtocolOfOnesOwn:
    def test_is_read_in_the_order_that_it_states(self, tmp_path):
        path = written(
            tmp_path, "proximal_distal,right,2,6.0,1", "posterior_anterior,right,1,7.0,1"
        )
        assert [kind.sweep_id for kind in read_protocol(path)] == ["right_p_a", "right_p_d"]

    def test_names_file_and_line_of_an_unknown_sweep(self, tmp_path):
        path = written(tmp_path, "graf,left,1,5,0", "helical,left,2,5,1")
        with pytest.raises(ValueError, match=r"sweeps.csv line 3: sweep_type .* got 'helical'"):
            read_protocol(path)

    def test_names_the_line_of_an_impossible_duration(self, tmp_path):
        path = written(tmp_path, "graf,left,1,-5,0")
        with pytest.raises(ValueError, match=r"line 2: duration_s_mean must lie .* got -5"):
            read_protocol(path)

    def test_refuses_a_sweep_that_occurs_twice(self, tmp_path):
        path = written(tmp_path, "graf,left,1,5,0", "graf,left,2,5,0")
        with pytest.raises(ValueError, match=r"each sweep must occur once, got \['left_graf'\]"):
            read_protocol(path)

    def test_needs_its_columns(self, tmp_path):
        path = tmp_path / "sweeps.csv"
        path.write_text("sweep_type,side\ngraf,left\n", encoding="utf-8")
        with pytest.raises(ValueError, match="needs columns"):
            read_protocol(path)


class TestImpossibleSweeps:
    @pytest.mark.parametrize("duration_s", [0.0, -1.0, 61.0, np.nan, np.inf])
    def test_durations(self, duration_s):
        with pytest.raises(ValueError, match="duration_s_mean must lie between 1 and 60 s"):
            sweep_kind("p_a", "left", duration_s_mean=duration_s)

    @pytest.mark.parametrize("path_mm", [0.0, -30.0, 151.0, np.nan])
    def test_paths(self, path_mm):
        with pytest.raises(ValueError, match="path_length_mm must be positive and <= 150 mm"):
            protocol.check_path(path_mm)

    def test_types_and_sides(self):
        with pytest.raises(ValueError, match="sweep_type must be one of"):
            sweep_kind("posterior_anterior", "left")
        with pytest.raises(ValueError, match=r"side must be one of .* got 'both'"):
            sweep_kind("p_a", "both")

    @pytest.mark.parametrize("name", ["duration_s_sd", "path_length_mm_sd"])
    def test_negative_spreads(self, name):
        values = vars(sweep_kind("p_d", "right")) | {name: -0.1}
        with pytest.raises(ValueError, match=f"{name} must be finite and >= 0, got -0.1"):
            SweepKind(**values)
