"""Clarius inertial logs: units, gaps, and logs that lack something."""

import numpy as np
import pytest

from hipus.formats import clarius_imu
from hipus.sweep import Imu

SAMPLE = """timestamp: {stamp}
gyroscope x: -0.11
gyroscope y: 0.03
gyroscope z: 0.07
accelerometer x: -0.5
accelerometer y: 0.25
accelerometer z: 2
magnetometer x: -0.57
magnetometer y: -0.34
magnetometer z: 0.86
temperature: 31
orientation: {{q0: 0.5, q1: -0.5, q2: 0.5, q3: 0.5}}
stationary: false
"""


def log(*stamps: int) -> str:
    """Return a log of samples at the given times, ns."""
    return "---\n".join(SAMPLE.format(stamp=stamp) for stamp in stamps)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a log of the given text."""

    def write_text(text: str):
        path = tmp_path / "a_imu.yml"
        path.write_text(text)
        return path

    return write_text


class TestReadImu:
    def test_units_become_ours(self, write):
        found = clarius_imu.read_imu(write(log(339266867306, 339279069178)))
        np.testing.assert_allclose(found.time_s, [339.266867306, 339.279069178], rtol=1e-14)
        np.testing.assert_array_equal(found.angular_velocity_rad_s[1], [-0.11, 0.03, 0.07])
        np.testing.assert_allclose(found.acceleration_m_s2[0], [-4.903325, 2.4516625, 19.6133])
        assert found.T_imu_to_probe is None

    def test_magnetometer_and_orientation_are_kept_beside(self, write):
        found = clarius_imu.read_imu_log(write(log(1, 2)))
        np.testing.assert_array_equal(found.magnetic_flux_gauss[0], [-0.57, -0.34, 0.86])
        np.testing.assert_array_equal(found.orientation_wxyz[1], [0.5, -0.5, 0.5, 0.5])

    def test_a_log_without_them_has_nan(self, write):
        kept = [
            line
            for line in log(1, 2).splitlines()
            if not line.startswith(("magnetometer", "orientation"))
        ]
        found = clarius_imu.read_imu_log(write("\n".join(kept)))
        assert np.isnan(found.magnetic_flux_gauss).all()
        assert found.orientation_wxyz.shape == (2, 4)
        assert np.isnan(found.orientation_wxyz).all()

    def test_a_document_may_hold_several_samples(self, write):
        documents = log(1, 2, 3).split("---\n")
        listed = ["- " + text.strip().replace("\n", "\n  ") for text in documents]
        text = "\n".join(listed[:2]) + "\n---\n" + listed[2] + "\n---\n"
        found = clarius_imu.read_imu(write(text)).time_s
        np.testing.assert_allclose(found, [1e-9, 2e-9, 3e-9])

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "must hold at least one sample, got none"),
            ("---\n---\n", "must hold at least one sample, got none"),
            ("a: [", "is no readable YAML"),
            ("5", "sample 0 must be keys and values, got 5"),
            (
                log(5).replace("gyroscope y: 0.03\n", ""),
                "sample 0 must have a number 'gyroscope y'",
            ),
            (log(5).replace("0.25", "fast"), "a number 'accelerometer y', got 'fast'"),
            (log(5).replace("0.25", ".nan"), "a number 'accelerometer y', got nan"),
            (log(5).replace("0.25", "true"), "a number 'accelerometer y', got True"),
            (log(5).replace("timestamp: 5", "time: 5"), "must have a number 'timestamp', got None"),
            (log(5).replace("0.25", "[1, 2]"), r"a number 'accelerometer y', got \[1, 2\]"),
            (log(5).replace("0.25", "2020-01-01"), "a number 'accelerometer y', got datetime"),
            (log(10**400), r"must have a number 'timestamp', got 1000000000"),
            (
                log(5).replace("{q0: 0.5, q1: -0.5, q2: 0.5, q3: 0.5}", "7"),
                r"sample 0: orientation must hold q0 to q3, got 7",
            ),
            (log(5).replace("q0: 0.5", "q0: x"), r"sample 0 must have a number 'q0', got 'x'"),
            (log(5).replace("-0.57", "far"), "have a number 'magnetometer x', got 'far'"),
            (log(5, 5), r"a_imu\.yml: timestamps must increase strictly, but repeats at sample 1"),
            (log(5, 7, 6), "steps back at sample 2"),
        ],
    )
    def test_a_faulty_log_names_file_and_sample(self, write, text, message):
        with pytest.raises(ValueError, match=message):
            clarius_imu.read_imu(write(text))

    def test_a_missing_log_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"a\.yml: no such Clarius IMU log"):
            clarius_imu.read_imu(tmp_path / "a.yml")

    def test_a_log_of_a_size_no_log_has(self, tmp_path):
        with open(tmp_path / "a.yml", "wb") as stream:
            stream.truncate((1 << 28) + 1)
        with pytest.raises(ValueError, match=r"a\.yml must be <= 268435456 bytes"):
            clarius_imu.read_imu(tmp_path / "a.yml")


class TestGaps:
    def test_gaps_are_told_with_both_ends(self):
        time_s = np.array([0.0, 0.012, 0.024, 0.5, 0.512, 0.524, 0.6])
        imu = Imu(time_s, np.zeros((7, 3)), np.zeros((7, 3)))
        np.testing.assert_array_equal(clarius_imu.imu_gaps_s(imu), [[0.024, 0.5], [0.524, 0.6]])
        assert clarius_imu.imu_gaps_s(imu, factor=10).tolist() == [[0.024, 0.5]]

    def test_one_sample_has_no_gap(self):
        imu = Imu([1.0], np.zeros((1, 3)), np.zeros((1, 3)))
        assert clarius_imu.imu_gaps_s(imu).shape == (0, 2)


class TestWriteImu:
    def test_round_trip_keeps_values_to_the_last_digits(self, rng, tmp_path):
        time_s = 339.2 + np.cumsum(rng.uniform(0.012, 0.5, 40))
        imu = Imu(time_s, rng.normal(0, 1e-7, (40, 3)), rng.normal(0, 9.8, (40, 3)))
        found = clarius_imu.read_imu(clarius_imu.write_imu(imu, tmp_path / "a_imu.yml"))
        np.testing.assert_allclose(found.time_s, time_s, atol=0.6e-9)
        np.testing.assert_array_equal(found.angular_velocity_rad_s, imu.angular_velocity_rad_s)
        np.testing.assert_allclose(found.acceleration_m_s2, imu.acceleration_m_s2, rtol=1e-15)

    def test_a_sensor_at_rest_writes_one_g_and_whole_numbers(self, tmp_path):
        imu = Imu([0.0, 1.0], np.zeros((2, 3)), np.tile([0, 0, 9.80665], (2, 1)))
        path = clarius_imu.write_imu(imu, tmp_path / "a.yml")
        assert "accelerometer z: 1.0000000000000000" in path.read_text()
        np.testing.assert_array_equal(
            clarius_imu.read_imu(path).acceleration_m_s2[1], [0, 0, 9.80665]
        )

    def test_negative_times_are_refused(self, tmp_path):
        imu = Imu([-0.5, 1.0], np.zeros((2, 3)), np.zeros((2, 3)))
        with pytest.raises(ValueError, match=r"imu\.time_s must not be negative, got -0\.5"):
            clarius_imu.write_imu(imu, tmp_path / "a.yml")


@pytest.mark.real
class TestOpenLog:
    def test_rate_and_gaps_are_as_known(self, real_file):
        found = clarius_imu.read_imu(real_file("clarius/carotid_imu.yml"))
        assert len(found.time_s) == 84
        assert 1 / np.median(np.diff(found.time_s)) == pytest.approx(82, abs=1)
        gaps = clarius_imu.imu_gaps_s(found)
        assert (gaps[:, 1] - gaps[:, 0]).max() == pytest.approx(0.522, abs=1e-3)
        assert len(gaps) == 22

    def test_gravity_is_near_one_g_and_the_rate_is_in_radians(self, real_file):
        found = clarius_imu.read_imu_log(real_file("clarius/carotid_imu.yml"))
        strength = np.linalg.norm(found.imu.acceleration_m_s2, axis=1)
        assert strength.mean() == pytest.approx(9.8, rel=0.1)
        speed = np.linalg.norm(found.imu.angular_velocity_rad_s, axis=1)
        most_rad = np.trapezoid(speed, found.imu.time_s)
        first, last = found.orientation_wxyz[[0, -1]]
        turned_rad = 2 * np.arccos(abs(first @ last))
        assert np.deg2rad(most_rad) < turned_rad < most_rad
