"""`hipus calibrate time` and `hipus calibrate space` on made-up recordings."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from recordings import recording
from wire_scenes import draw, make_phantom, make_scene

from hipus import geometry
from hipus.formats import metafile

SPACE_KEYS = {
    "T_pixel_to_probe",
    "frames_used",
    "frames_total",
    *(
        f"{which}_error_mm_{what}"
        for which in ("calibration", "validation")
        for what in ("mean", "sd", "mean_all", "sd_all")
    ),
}


def motion_mm(time_s):
    """Return an irregular smooth motion."""
    return 4 * np.sin(5.9 * time_s) + 2 * np.sin(2.3 * time_s + 1)


def write_water_tank(folder, *, lag_s, status="OK", reference="Tracker"):
    """Write a video of a plane that moves, and the poses stamped `lag_s` late."""
    video_s, tracker_s = np.arange(2, 12, 0.1), np.arange(0, 14, 0.03)
    rows_px = 40 + 3 * motion_mm(video_s)
    v_px = np.arange(80)[:, None]
    line = 220 * np.exp(-(((v_px - rows_px[:, None, None]) / 1.5) ** 2) / 2)
    frames = np.broadcast_to(line, (len(video_s), 80, 40)).round().astype(np.uint8)
    steps = motion_mm(tracker_s - lag_s)[:, None] * [0.0, 0.6, 0.8]
    poses = geometry.transform(translation=steps)
    if status != "OK":
        poses[:] = np.nan
    return (
        metafile.write(folder / "video.igs.mha", recording(frames, video_s, {})),
        metafile.write(
            folder / "tracker.igs.mha",
            recording(
                np.zeros((len(tracker_s), 0, 0), np.uint8),
                tracker_s,
                {f"ProbeTo{reference}": poses},
                orientation="XX",
            ),  # fmt: skip
        ),
    )


class TestTime:
    @pytest.mark.parametrize("lag_s", [-0.12, 0.07])
    def test_lag_comes_back_with_its_sign(self, hipus, tmp_path, empty_folder, lag_s):
        video, tracker = write_water_tank(tmp_path, lag_s=lag_s)
        target = empty_folder / "lag.json"
        found = hipus("calibrate", "time", video, tracker, "-o", target).json
        assert found["lag_s"] == pytest.approx(lag_s, abs=2e-3)
        low_s, high_s = found["lag_interval_95_s"]
        assert low_s < found["lag_s"] < high_s
        assert abs(found["correlation"]) > 0.99
        assert (found["frames_used"], found["frames_total"]) == (100, 100)
        assert json.loads(target.read_text()) == found

    def test_names_and_range_are_options(self, hipus, tmp_path, empty_folder):
        video, tracker = write_water_tank(tmp_path, lag_s=-0.05, reference="Camera")
        target = empty_folder / "lag.json"
        options = ("--reference", "Camera", "--max-lag-s", "0.2")
        found = hipus("calibrate", "time", video, tracker, "-o", target, *options).json
        assert found["lag_s"] == pytest.approx(-0.05, abs=2e-3)

    def test_lag_beyond_the_range_is_refused(self, refused, tmp_path, empty_folder):
        video, tracker = write_water_tank(tmp_path, lag_s=-0.2)
        message = refused(
            *("calibrate", "time", video, tracker, "-o", empty_folder / "lag.json"),
            *("--max-lag-s", "0.15"),
        )
        assert "at the end of the lags" in message
        assert f"{video} and {tracker}: " in message
        assert list(empty_folder.iterdir()) == []

    def test_unknown_transform_lists_those_there_are(self, refused, tmp_path, empty_folder):
        video, tracker = write_water_tank(tmp_path, lag_s=0.0)
        message = refused(
            *("calibrate", "time", video, tracker, "-o", empty_folder / "lag.json"),
            *("--probe", "Wand"),
        )
        assert "Wand" in message
        assert "ProbeToTracker" in message

    def test_tracker_without_a_valid_pose_is_refused(self, refused, tmp_path, empty_folder):
        video, tracker = write_water_tank(tmp_path, lag_s=0.0, status="INVALID")
        refused("calibrate", "time", video, tracker, "-o", empty_folder / "lag.json")
        assert list(empty_folder.iterdir()) == []

    def test_video_without_images_is_refused(self, refused, tmp_path, empty_folder):
        _, tracker = write_water_tank(tmp_path, lag_s=0.0)
        message = refused("calibrate", "time", tracker, tracker, "-o", empty_folder / "lag.json")
        assert "frames must be (N, H, W) and not empty" in message

    def test_missing_file_is_named(self, refused, tmp_path, empty_folder):
        video, _ = write_water_tank(tmp_path, lag_s=0.0)
        message = refused(
            *("calibrate", "time", video, tmp_path / "none.igs.mha"),
            *("-o", empty_folder / "lag.json"),
        )
        assert "none.igs.mha is missing" in message


def phantom_xml(phantom) -> str:
    """Return a phantom as a PLUS configuration."""

    def text(numbers):
        return " ".join(f"{value:.17g}" for value in np.ravel(numbers))

    wires = [
        f'<Wire Name="{name}" EndPointFront="{text(front)}" EndPointBack="{text(back)}"/>'
        for name, front, back in zip(phantom.names, phantom.front_mm, phantom.back_mm, strict=True)
    ]
    patterns = "".join(
        f'<Pattern Type="NWire">{"".join(wires[start : start + 3])}</Pattern>'
        for start in range(0, len(wires), 3)
    )
    return (
        '<PlusConfiguration><CoordinateDefinitions><Transform From="Phantom" To="Reference" '
        f'Matrix="{text(phantom.T_phantom_to_reference)}"/></CoordinateDefinitions>'
        f"<PhantomDefinition><Geometry>{patterns}</Geometry></PhantomDefinition>"
        f'<Segmentation ApproximateSpacingMmPerPixel="0.087"/></PlusConfiguration>'
    )


@pytest.fixture(scope="module")
def wire_files(tmp_path_factory):
    """Write a phantom and two sweeps over it; return their paths and the truth."""
    rng = np.random.default_rng(20260102)
    folder = tmp_path_factory.mktemp("wires")
    phantom = make_phantom(
        [[10, 33, 36], [10, 13, 36], [15, 32, 36]], [[10, 13, 36], [10, 33, 36], [15, 19, 36]]
    )
    paths = []
    scene = None
    for name, count in (("calib", 14), ("valid", 8)):
        scene = make_scene(phantom, rng, count=count)
        frames = np.stack([draw(points) for points in scene.points_px])
        poses = {"ProbeToReference": scene.T_probe_to_reference}
        sequence = recording(frames, 0.1 * np.arange(count), poses)
        paths.append(metafile.write(folder / f"{name}.igs.mha", sequence))
    (folder / "phantom.xml").write_text(phantom_xml(phantom))
    return SimpleNamespace(
        calib=paths[0], valid=paths[1], phantom=folder / "phantom.xml", truth=scene.T_pixel_to_probe
    )


class TestSpace:
    @pytest.mark.parametrize("method", ["classic", "joint"])
    def test_calibration_comes_back_with_its_errors(self, hipus, wire_files, empty_folder, method):
        target = empty_folder / "c.json"
        found = hipus(
            *("calibrate", "space", wire_files.calib, wire_files.valid),
            *("--phantom", wire_files.phantom, "--method", method, "-o", target),
        ).json
        assert set(found) >= SPACE_KEYS
        assert (found["frames_used"], found["frames_total"]) == (14, 14)
        assert (found["validation_frames_used"], found["validation_frames_total"]) == (8, 8)
        assert found["method"] == method
        np.testing.assert_allclose(np.array(found["T_pixel_to_probe"])[:3, :2],
                                   wire_files.truth[:3, :2], atol=5e-4)  # fmt: skip
        assert found["validation_error_mm_mean"] < 0.2
        assert found["validation_error_mm_mean"] <= found["validation_error_mm_mean_all"]
        assert json.loads(target.read_text()) == found

    def test_its_file_is_what_reconstruct_takes(self, hipus, wire_files, empty_folder):
        target = empty_folder / "c.json"
        hipus(
            *("calibrate", "space", wire_files.calib, wire_files.valid),
            *("--phantom", wire_files.phantom, "-o", target),
        )
        outcome = hipus(
            *("reconstruct", wire_files.valid, "-o", empty_folder / "v.mha"),
            *("--image-to-probe", target, "--spacing-mm", "2"),
        )
        assert outcome.json["frames_used"] == 8

    def test_phantom_that_is_no_phantom_is_refused(self, refused, wire_files, empty_folder):
        other = empty_folder / "other.xml"
        other.write_text("<PlusConfiguration/>")
        message = refused(
            *("calibrate", "space", wire_files.calib, wire_files.valid),
            *("--phantom", other, "-o", empty_folder / "c.json"),
        )
        assert "other.xml: no PhantomDefinition" in message
        assert list(empty_folder.iterdir()) == [other]

    @pytest.mark.parametrize("place", ["calib", "valid", "phantom"])
    def test_missing_file_is_named(self, refused, wire_files, empty_folder, place):
        given = vars(wire_files) | {place: empty_folder / "none.igs.mha"}
        message = refused(
            *("calibrate", "space", given["calib"], given["valid"]),
            *("--phantom", given["phantom"], "-o", empty_folder / "c.json"),
        )
        assert "none.igs.mha" in message
        assert list(empty_folder.iterdir()) == []

    def test_frames_without_wires_are_refused(self, refused, wire_files, tmp_path, empty_folder):
        poses = metafile.read(wire_files.calib).transforms["ProbeToReference"].matrices
        dark = np.zeros((14, 470, 560), np.uint8)
        path = metafile.write(
            tmp_path / "dark.igs.mha",
            recording(dark, 0.1 * np.arange(14), {"ProbeToReference": poses}),
        )
        message = refused(
            *("calibrate", "space", path, wire_files.valid),
            *("--phantom", wire_files.phantom, "-o", empty_folder / "c.json"),
        )
        assert "dark.igs.mha: none of 14 frames shows all the wires" in message
        assert list(empty_folder.iterdir()) == []

    @pytest.mark.parametrize("place", ["calib", "valid", "phantom"])
    def test_an_input_is_never_replaced_by_the_result(self, refused, wire_files, place):
        path = getattr(wire_files, place)
        content = path.read_bytes()
        message = refused(
            *("calibrate", "space", wire_files.calib, wire_files.valid),
            *("--phantom", wire_files.phantom, "-o", path),
        )
        assert f"output must not replace an input, got {path} for both" in message
        assert path.read_bytes() == content

    def test_unwritable_output_is_noticed_before_the_wires_are_looked_for(
        self, refused, wire_files, empty_folder, monkeypatch
    ):
        monkeypatch.setattr(
            "hipus.calibration.nwire.find_in_frames", lambda *_: pytest.fail("worked")
        )
        (empty_folder / "file").write_text("")
        message = refused(
            *("calibrate", "space", wire_files.calib, wire_files.valid),
            *("--phantom", wire_files.phantom, "-o", empty_folder / "file" / "c.json"),
        )
        assert "cannot write" in message
