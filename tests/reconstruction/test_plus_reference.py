"""The six reference volumes of the PLUS toolkit, from the real tracked spine sweep."""

from dataclasses import replace

import numpy as np
import pytest

from hipus.formats import metafile, plus_config
from hipus.images import Volume
from hipus.reconstruction import plus_reference
from hipus.reconstruction.grid import grid_around
from hipus.reconstruction.region import ImageRegion
from hipus.reconstruction.voxelisation import voxelise

pytestmark = pytest.mark.real


def by_name(name):
    """Return a reference."""
    return next(r for r in plus_reference.REFERENCES if r.name == name)


@pytest.fixture
def reproduced(real_file):
    """Return a function that reproduces a reference by name."""
    return lambda name: plus_reference.reproduce(by_name(name), real_file)


class TestBounds:
    """Agreement with each reference, as its making allows."""

    def test_nearest_latest_is_equal_in_98_5_percent(self, reproduced):
        """With clip rectangle and fan."""
        made = reproduced("nearest latest")
        assert made.is_geometry_equal
        assert made.agreement.equal_fraction >= 0.985
        assert made.holds

    def test_nearest_maximum_is_within_2_grey_levels_in_98_5_percent(self, reproduced):
        """With holes filled; an older version's size."""
        made = reproduced("nearest maximum")
        assert made.is_geometry_equal
        assert made.agreement.within_tolerance_fraction >= 0.985
        assert made.agreement.tolerance == 2
        assert made.holds

    def test_the_float_mean_is_equal_to_rounding_in_every_voxel(self, reproduced):
        """0.01 grey levels is asked; float32 rounding remains."""
        made = reproduced("nearest mean, float")
        assert made.is_geometry_equal
        assert made.agreement.largest_difference < 1e-4
        assert made.holds

    @pytest.mark.parametrize("name", ["nearest mean", "linear mean, fan", "linear mean"])
    def test_the_biased_byte_means_correlate(self, reproduced, name):
        """They are too dark themselves: nothing more can be asked."""
        made = reproduced(name)
        assert made.is_geometry_equal
        assert made.agreement.correlation >= 0.985
        assert made.holds


class TestJudgement:
    """A bound that is missed is said to be missed."""

    def test_table_has_a_row_each_with_its_verdict(self, reproduced):
        """And a wrong geometry never holds."""
        made = reproduced("nearest latest")
        table = plus_reference.table([made])
        assert table.loc[0, "holds"]
        assert table.loc[0, "frames_used"] == 21
        assert table.loc[0, "file"] == "vtkVolumeReconstructorTestNNLATEvolumeRef.mha"

        assert not replace(made, is_geometry_equal=False).holds
        strict = replace(made.reference, bound=0.9999)
        assert not replace(made, reference=strict).holds

    def test_turned_volumes_are_refused(self):
        """Their voxels would be compared with others."""
        turned = Volume(np.zeros((2, 2, 2)), (1, 1, 1), direction=np.diag([1, -1, -1]))
        with pytest.raises(ValueError, match="reference volume must not be turned"):
            plus_reference._grid_of(turned)


class TestRealSweep:
    """Full-size frames."""

    @pytest.mark.parametrize("interpolation", ["nearest", "linear"])
    def test_same_bits_for_one_and_more_threads(self, real_file, interpolation, rng):
        """Six of the 820 x 616 frames, plain and weighted."""
        sequence = metafile.read(real_file(plus_reference.SEQUENCE))
        xml = real_file("plus/spine_NN_MEAN_05.xml")
        T = sequence.chain("Probe", "Reference") @ plus_config.read_transform(xml, "Image", "Probe")
        frames, T = np.asarray(sequence.frames[:6]), T[:6]
        grid = grid_around(T, ImageRegion.whole(frames.shape[1:]), spacing_xyz_mm=0.5)
        for weights in ({}, {"pixel_weights": rng.random(frames.shape[1:])}):
            one, two = (
                voxelise(frames, T, grid, interpolation=interpolation, threads=threads, **weights)
                for threads in (1, 2)
            )
            assert one.volume.tobytes() == two.volume.tobytes()
            assert one.weight.tobytes() == two.weight.tobytes()
