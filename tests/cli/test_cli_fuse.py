"""`hipus fuse`: two crossing sweeps of one hip in, one volume out, or what is missing."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_crossing import (
    HEAD_MM,
    RADIUS_MM,
    SHAPE_HW,
    SPACING_XY_MM,
    labels_at,
    pictures,
    true_poses,
)
from made_hips import MadeHip, put_in_volume
from made_segmenters import save_model
from typer.testing import CliRunner

from hipus import geometry, images
from hipus.cli import fuse as command
from hipus.cli.app import app
from hipus.cli.motion import Side
from hipus.formats import metafile
from hipus.formats.mask_files import read_mask
from hipus.fusion import fuse as fusion
from hipus.fusion.joint import Level
from hipus.labels import HipLabel
from hipus.reconstruction.pose_agreement import pixel_to_centre
from hipus.segmentation import application
from hipus.sweep import Sweep

LEVELS = (Level(2.0, 8.0, 6, 0),)
NAMES = ("right_p_a", "right_p_d")


class Labeller:
    """Labels the volumes of the first and the second sweep as a perfect network would."""

    def __init__(self, *, without: HipLabel | None = None):
        self.middles = [T[len(T) // 2] for T in true_poses()]
        self.count, self.without = 0, without

    def __call__(self, segmenter, volume: images.Volume) -> images.Volume:
        T, is_second = self.middles[self.count % 2], self.count % 2
        self.count += 1
        index = np.moveaxis(np.indices(volume.array.shape), 0, -1)[..., ::-1]
        places = index * volume.spacing_zyx_mm[::-1] + np.array(volume.origin_xyz_mm)
        labels = labels_at(geometry.apply(T, places.reshape(-1, 3)).reshape(places.shape))
        if is_second and self.without is not None:
            labels[labels == self.without] = 0
        return replace(volume, array=labels)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a model and both sweeps."""
    folder = tmp_path_factory.mktemp("fuse")
    save_model(folder / "3.2", "3.2")
    for name, T in zip(NAMES, true_poses(), strict=True):
        frames = pictures(T)
        sweep = Sweep(
            frames=frames, time_s=0.1 * np.arange(len(frames)), T_probe_to_reference=T,
            T_pixel_to_probe=pixel_to_centre(SHAPE_HW, SPACING_XY_MM), sweep_id=name,
        )  # fmt: skip
        metafile.write(folder / f"{name}.igs.mha", metafile.from_sweep(sweep))
    return folder


@pytest.fixture(scope="module")
def arguments(home):
    """Return what every call has."""
    sweeps = [str(home / f"{name}.igs.mha") for name in NAMES]
    return ["fuse", *sweeps, "--side", "right", "--model", str(home / "3.2"), "-o"]


@pytest.fixture(scope="module")
def fused(home, arguments):
    """Return the fused volume's file, its mask's, and what the terminal showed."""
    volume, mask = home / "hip.mha", home / "mask.mha"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "label_volume", Labeller())
        patch.setattr(fusion, "fuse_sweeps", partial(fusion.fuse_sweeps, levels=LEVELS))
        done = CliRunner().invoke(app, [*arguments, str(volume), "--mask", str(mask)])
    assert done.exit_code == 0, (done.stderr, done.exception)
    return volume, mask, done


class TestOneHip:
    def test_the_volume_holds_both_sweeps(self, fused):
        volume, _, done = fused
        facts = json.loads(done.stdout)
        found = images.read(volume)
        assert found.array.dtype == np.uint8
        assert list(found.array.shape) == facts["shape_zyx"]
        assert facts["common_mm3"] > 5000
        assert facts["heads_apart_mm"] < 0.8
        assert facts["disclaimer"] == "Not a medical device."
        assert facts["origin"] == "recorded"

    def test_the_mask_shows_the_head_as_the_ball_it_is(self, fused):
        mask = read_mask(fused[1])
        head = mask.array == HipLabel.FEMORAL_HEAD
        mm3 = head.sum() * np.prod(mask.spacing_zyx_mm)
        assert mm3 == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3, rel=0.1)
        middle = np.argwhere(head).mean(axis=0)[::-1] * mask.spacing_zyx_mm[::-1]
        T = true_poses()[0]
        expected = geometry.apply(geometry.invert(T[len(T) // 2]), HEAD_MM)
        np.testing.assert_allclose(middle + mask.origin_xyz_mm, expected, atol=0.5)
        assert (mask.made_by, mask.of) == (
            "model 3.2, fused", "right_p_a.igs.mha and right_p_d.igs.mha"
        )  # fmt: skip

    def test_facts_lie_beside_and_say_whose_poses(self, fused):
        volume, _, done = fused
        beside = json.loads(volume.with_name("hip.mha.json").read_text())
        assert beside == json.loads(done.stdout)
        told = {name: poses["told_by"] for name, poses in beside["poses"].items()}
        assert told == {f"{name}.igs.mha": "tracker" for name in NAMES}
        assert "fusing ..." in done.stderr


class TestWhatIsRefused:
    def test_the_same_sweep_twice(self, refused, home, arguments, tmp_path):
        both = [*arguments]
        both[2] = both[1]
        told = refused(*both, tmp_path / "hip.mha")
        assert "SWEEP_PA and SWEEP_PD must be two sweeps of one hip, got" in told

    def test_a_sweep_that_is_missing(self, refused, arguments, tmp_path):
        gone = [*arguments]
        gone[2] = str(tmp_path / "no.igs.mha")
        assert "no.igs.mha is missing" in refused(*gone, tmp_path / "hip.mha")

    def test_a_sweep_of_the_other_hip_by_its_name(self, hipus, home, arguments, tmp_path):
        other = tmp_path / "left_p_d.igs.mha"
        sequence = metafile.read(home / "right_p_d.igs.mha")
        fields = sequence.fields | {"SweepId": "left_p_d"}
        metafile.write(other, replace(sequence, fields=fields))
        mixed = [*arguments]
        mixed[2] = str(other)
        outcome = hipus(*mixed, tmp_path / "hip.mha")
        assert outcome.status == 1
        assert "--side says right, the sweep is called 'left_p_d'" in outcome.err

    def test_sweeps_in_the_wrong_order(self, hipus, arguments, tmp_path):
        turned = [arguments[0], arguments[2], arguments[1], *arguments[3:]]
        outcome = hipus(*turned, tmp_path / "hip.mha")
        assert outcome.status == 1
        assert "taken for a p_a sweep, it is called 'right_p_d'" in outcome.err

    def test_a_sweep_without_ilium_is_named(self, hipus, monkeypatch, arguments, tmp_path):
        monkeypatch.setattr(application, "label_volume", Labeller(without=HipLabel.ILIUM))
        outcome = hipus(*arguments, tmp_path / "hip.mha")
        assert outcome.status == 1
        assert "right hip/right_p_d: label ilium is missing" in outcome.err
        assert list(tmp_path.iterdir()) == []

    def test_sweeps_that_do_not_overlap(self, hipus, monkeypatch, arguments, tmp_path):
        def none(*pair, **options):
            fusion.check_overlap(0.0, names="right hip/right_p_a and right hip/right_p_d")

        monkeypatch.setattr(application, "label_volume", Labeller())
        monkeypatch.setattr(fusion, "fuse_sweeps", none)
        outcome = hipus(*arguments, tmp_path / "hip.mha")
        assert "right_p_d do not overlap: 0 mm3 of the pelvis are seen by both" in outcome.err
        assert "a sweep across the other over the femoral head is missing" in outcome.err

    def test_models_that_cannot(self, refused, home, arguments, tmp_path):
        save_model(home / "2.1", "2.1")
        told = refused(*arguments, tmp_path / "hip.mha", "--model", home / "2.1")
        assert "--model must label volumes (3.1 or 3.2), model 2.1 labels frames" in told
        folder = save_model(home / "stills", "3.2", labels={"ilium": 1, "femoral_head": 2})
        about = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(about | {"scheme": "stills"}))
        told = refused(*arguments, tmp_path / "hip.mha", "--model", folder)
        assert "--model must label by scheme 'hip'" in told

    def test_outputs_that_would_replace_something(self, refused, hipus, arguments, tmp_path):
        volume = tmp_path / "hip.mha"
        told = refused(*arguments, volume, "--mask", volume)
        assert "--mask must not be the volume's own file" in told
        assert "must not replace an input" in refused(*arguments, arguments[1])
        outcome = hipus(*arguments, volume, "--spacing-mm", "-1")
        assert outcome.status == 2
        assert "--spacing-mm must be positive" in " ".join(outcome.err.replace("│", " ").split())


class TestTwoInfants:
    @staticmethod
    def seen(side: str, *, radius_mm: float = 8.0):
        """Return what is looked at of a labelled sweep: a hip of a side."""
        made = put_in_volume(MadeHip(side=side, radius_mm=radius_mm), np.eye(3), (1.0, 0.9, 1.1))
        grid = SimpleNamespace(
            spacing_zyx_mm=made.spacing_zyx_mm, spacing_xyz_mm=made.spacing_zyx_mm[::-1],
            origin_xyz_mm=(0.0, 0.0, 0.0), shape_zyx=made.labels.shape,
        )  # fmt: skip
        return SimpleNamespace(labels=made.labels, volume=SimpleNamespace(grid=grid), name=side)

    def test_hips_of_two_sides_by_anatomy_are_refused(self):
        pair, paths = [self.seen("left"), self.seen("right")], (Path("a.mha"), Path("d.mha"))
        with pytest.raises(ValueError, match="must show one hip, the left one: by anatomy d.mha"):
            command._check_anatomy(pair, paths, Side.LEFT)

    def test_both_against_the_stated_side_are_told_of(self, caplog):
        command._check_anatomy([self.seen("right")] * 2, (Path("a"), Path("d")), Side.LEFT)
        assert caplog.text.count("stated as left, anatomy speaks against it") == 2

    def test_heads_of_two_sizes_or_places_are_told_of(self, caplog):
        pair = [self.seen("left"), self.seen("left", radius_mm=11.0)]
        apart = SimpleNamespace(diagnostics=SimpleNamespace(heads_apart_mm=4.0))
        command._warn(pair, apart, (Path("a.mha"), Path("d.mha")))
        assert "head centres, once fused, differ by 4.0 mm: are both of one infant?" in caplog.text
        (radii,) = re.findall(r"head radii differ by (\S+) mm", caplog.text)
        assert float(radii) == pytest.approx(3.0, abs=0.3)  # balls that bone touches fit smaller
        caplog.clear()
        near = SimpleNamespace(diagnostics=SimpleNamespace(heads_apart_mm=0.4))
        command._warn([pair[0]] * 2, near, (Path("a.mha"), Path("d.mha")))
        assert caplog.text == ""
