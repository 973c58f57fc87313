"""The record of all parameters of the acquisition, and its fingerprint."""

import json

import pytest

from hipus.phantom.acquisition import session
from hipus.phantom.acquisition.frozen import parameters, parameters_sha256


class TestRecord:
    def test_holds_constants_and_defaults_by_name(self):
        found = parameters()
        assert found["protocol.PATH_LENGTH_MM"]["p_a"] == [30.0, 5.0]
        assert found["tracker.rate_hz"] == 40.0
        assert found["infant.burst_rate_hz"] == 0.08
        assert found["imu_timing.gap_s_max"] == 0.52
        assert found["session.OPERATOR_RANGES"]["tremor_mm"] == [0.03, 0.07]
        assert found["trajectory.TREMOR_HZ"] == [1.0, 5.0]

    def test_lists_every_constant_once(self):
        names = [key.partition(".")[2] for key in parameters()]
        constants = [name for name in names if name.isupper()]
        assert len(constants) == len(set(constants))
        assert len(names) > 60

    def test_is_ready_for_json(self):
        assert json.loads(json.dumps(parameters(), allow_nan=False)) == parameters()


class TestFingerprint:
    def test_stays_as_long_as_nothing_changes(self):
        assert parameters_sha256() == parameters_sha256()
        assert len(parameters_sha256()) == 64

    @pytest.mark.parametrize(
        ("name", "value"), [("LAG_ERROR_S", 0.003), ("OPERATOR_TILT_DEG", ((0, 0, 0), (1, 1, 1)))]
    )
    def test_changes_with_any_number(self, monkeypatch, name, value):
        before = parameters_sha256()
        monkeypatch.setattr(session, name, value)
        assert parameters_sha256() != before
