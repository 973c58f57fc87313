"""params.yaml: every profile, and every surprise refused."""

import copy
import dataclasses

import pytest
import yaml

from hipus import config, paths

PARAMS = yaml.safe_load(paths.params_file().read_text(encoding="utf-8"))


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a changed copy of params.yaml."""

    def write_changed(change) -> str:
        params = copy.deepcopy(PARAMS)
        change(params)
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(params))
        return path

    return write_changed


class TestLoad:
    @pytest.mark.parametrize("profile", PARAMS["profiles"])
    def test_every_listed_profile_loads_with_the_file_s_values(self, profile):
        study = config.load(profile)
        assert study.profile == profile
        loaded = dataclasses.asdict(study)
        assert loaded["common"] == PARAMS["common"]
        for block, values in PARAMS[profile].items():
            found = loaded[block].items()
            plain = {name: list(v) if isinstance(v, tuple) else v for name, v in found}
            assert plain == values

    def test_profiles_are_listed_smallest_first(self):
        assert config.profiles() == ("smoke", "small", "paper")

    def test_settings_cannot_be_changed_after_loading(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.load("smoke").common.seed = 1

    def test_an_integer_serves_where_a_float_is_asked_for(self, write):
        path = write(lambda params: params["smoke"]["calibration"].update(lag_scan_step_s=1))
        step_s = config.load("smoke", path).calibration.lag_scan_step_s
        assert (step_s, type(step_s)) == (1.0, float)


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            (
                lambda params: params["smoke"]["calibration"].update(frame_stepp=3),
                r"smoke.calibration: unknown keys \['frame_stepp'\], missing keys \[\]",
            ),
            (
                lambda params: params["smoke"]["calibration"].pop("bootstrap"),
                r"smoke.calibration: unknown keys \[\], missing keys \['bootstrap'\]",
            ),
            (
                lambda params: params["smoke"].pop("reconstruction"),
                r"missing keys \['reconstruction'\]",
            ),
            (
                lambda params: params["smoke"]["calibration"].update(bootstrap="20"),
                r"smoke.calibration.bootstrap must be int, got '20'",
            ),
            (
                lambda params: params["smoke"]["calibration"].update(bootstrap=True),
                r"bootstrap must be int, got True",
            ),
            (
                lambda params: params["smoke"]["calibration"].update(bootstrap=20.0),
                r"bootstrap must be int, got 20.0",
            ),
            (
                lambda params: params["smoke"].update(calibration=5),
                r"smoke.calibration must be a block of keys, got 5",
            ),
            (
                lambda params: params.pop("common"),
                r"smoke.common must be a block of keys, got None",
            ),
            (
                lambda params: params.update(smoke=None),
                r"params.yaml: smoke must be a block without `profile` and `common`, got None",
            ),
            (
                lambda params: params["smoke"].update(common={"seed": 1}),
                r"smoke must be a block without `profile` and `common`",
            ),
            (
                lambda params: params["smoke"]["calibration"].update(frame_step=0),
                r"params.yaml: smoke.calibration.frame_step must be > 0 and finite, got 0",
            ),
            (
                lambda params: params["smoke"]["calibration"].update(lag_scan_step_s=float("nan")),
                r"smoke.calibration.lag_scan_step_s must be > 0 and finite, got nan",
            ),
            (
                lambda params: params["smoke"]["reconstruction"].update(resliced_frames=-3),
                r"smoke.reconstruction.resliced_frames must be > 0 and finite, got -3",
            ),
            (
                lambda params: params["common"].update(simulation_sha256="eed4"),
                r"common.simulation_sha256 must be 64 hexadecimal digits, got 'eed4'",
            ),
            (
                lambda params: params["smoke"]["cohort"].update(source="hospital"),
                r"smoke.cohort.source must be one of \('simulated', 'folder'\), got 'hospital'",
            ),
            (
                lambda params: params["smoke"]["cohort"].update(source="folder"),
                r"smoke.cohort.path must name the cohort's folder when source is folder, .*None",
            ),
            (
                lambda params: params["smoke"]["cohort"].update(path="ours"),
                r"cohort.path must .* null otherwise, got 'ours' with source 'simulated'",
            ),
            (
                lambda params: params["smoke"]["cohort"].update(path=3),
                r"smoke.cohort.path must be str \| None, got 3",
            ),
            (
                lambda params: params["smoke"]["cohort"].update(grid_motion=[0.0, "1"]),
                r"smoke.cohort.grid_motion\[1\] must be float, got '1'",
            ),
            (
                lambda params: params["smoke"]["cohort"].update(labelled_2d=3),
                r"smoke.cohort.labelled_2d must be tuple, got 3",
            ),
            (
                lambda params: params["smoke"]["realism"].update(pictures=1),
                r"smoke.realism.pictures must be >= 2, got 1",
            ),
            (
                lambda params: params["smoke"]["realism"].update(volume_sweeps=0),
                r"smoke.realism.volume_sweeps must be > 0 and finite, got 0",
            ),
            (
                lambda params: params["smoke"]["raters"].update(pairs=0),
                r"smoke.raters.pairs must be > 0 and finite, got 0",
            ),
            (
                lambda params: params["smoke"]["calibration_simulated"].update(sessions=0),
                r"smoke.calibration_simulated.sessions must be > 0 and finite, got 0",
            ),
            (
                lambda params: params["smoke"]["motion_volumes"].update(arms=[]),
                r"smoke.motion_volumes.arms must not be empty",
            ),
            (
                lambda params: params["smoke"]["segmentation_arms"].update(error_scales=[2, 1]),
                r"segmentation_arms.error_scales must be positive, .* got \(2.0, 1.0\)",
            ),
            (
                lambda params: params["smoke"]["segmentation_arms"].update(error_scales=[-1]),
                r"smoke.segmentation_arms.error_scales must be positive, .* got \(-1.0,\)",
            ),
            (
                lambda params: params["smoke"]["motion"].update(iterations=None),
                r"smoke.motion.iterations or epochs must be .* null, got None and None",
            ),
            (
                lambda params: params["smoke"]["motion"].update(epochs=3),
                r"smoke.motion.iterations or epochs must be .* null, got 6 and 3",
            ),
            (
                lambda params: params["smoke"]["motion"].update(batch_size=0),
                r"smoke.motion.batch_size must be > 0, got 0",
            ),
            (
                lambda params: params["smoke"].update({1: 2, "a": 3}),
                r"smoke: unknown keys \['1', 'a'\], missing keys",
            ),
            (lambda params: params.pop("smoke"), r"profile 'smoke' is listed but has no block"),
            (lambda params: params.pop("profiles"), r"params.yaml must have a list `profiles`"),
        ],
    )
    def test_message_names_file_key_and_fault(self, write, change, fault):
        with pytest.raises(ValueError, match=fault):
            config.load("smoke", write(change))

    def test_unknown_profile_is_refused_with_the_known_ones(self):
        with pytest.raises(ValueError, match=r"must be one of \['smoke', .*\], got 'tiny'"):
            config.load("tiny")

    def test_missing_file_says_what_to_do(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="run from a checkout, or set HIPUS_ROOT"):
            config.load("smoke", tmp_path / "params.yaml")

    @pytest.mark.parametrize("text", ["", "- 1\n", "profiles: smoke\n"])
    def test_file_without_profiles_is_refused(self, tmp_path, text):
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(ValueError, match="must have a list `profiles`"):
            config.profiles(tmp_path / "params.yaml")

    def test_a_profile_that_is_stated_twice_is_refused(self, tmp_path):
        text = paths.params_file().read_text() + "\nsmoke:\n  calibration: {frame_step: 1}\n"
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(ValueError, match="params.yaml is no .* key 'smoke' is stated twice"):
            config.load("smoke", tmp_path / "params.yaml")

    def test_broken_yaml_is_refused(self, tmp_path):
        (tmp_path / "params.yaml").write_text("profiles: [smoke\ncommon: {")
        with pytest.raises(ValueError, match=r"(?s)params.yaml is no readable YAML: .*line 2"):
            config.load("smoke", tmp_path / "params.yaml")
