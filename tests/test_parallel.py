"""Cases in order, failures by name, threads limited, no worker that starts workers."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from hipus import parallel
from hipus.parallel import CaseError, map_cases


def square(case: int) -> int:
    """Return the square."""
    return case * case


def fail_at_three(case: int) -> int:
    """Fail at case 3."""
    if case == 3:
        raise ValueError(f"no square of {case}")
    return case * case


def die(case: int) -> int:
    """End the process as the kernel does when memory is short."""
    os._exit(9)


def limits(case: int) -> dict:
    """Return what a worker sees of the thread limits."""
    return {name: os.environ.get(name) for name in parallel.THREAD_LIMITS} | {"pid": os.getpid()}


def nested(case: int) -> tuple[int, list[int], bool]:
    """Call from within a case."""
    return os.getpid(), map_cases(square, [case, case + 1]), parallel.in_worker()


class TestHere:
    def test_results_are_in_the_order_of_cases(self):
        assert map_cases(square, iter([3, 1, 2]), workers=1) == [9, 1, 4]

    def test_no_cases_give_no_results(self):
        assert map_cases(square, []) == []

    def test_one_case_needs_no_worker(self):
        assert map_cases(limits, [0])[0]["pid"] == os.getpid()

    def test_a_failure_names_its_case_and_keeps_its_cause(self):
        with pytest.raises(CaseError, match=r"case 3 failed: ValueError: no square of 3") as caught:
            map_cases(fail_at_three, [1, 3, 5], workers=1)
        assert isinstance(caught.value.__cause__, ValueError)

    def test_nothing_runs_after_a_failure(self):
        seen = []

        def note(case):
            seen.append(case)
            return fail_at_three(case)

        with pytest.raises(CaseError):
            map_cases(note, [1, 3, 5], workers=1)
        assert seen == [1, 3]

    def test_a_case_is_named_as_asked(self):
        with pytest.raises(CaseError, match="case S003 failed"):
            map_cases(fail_at_three, [3], name=lambda case: f"S{case:03d}")

    def test_no_workers_are_refused(self):
        with pytest.raises(ValueError, match="workers must be >= 1, got 0"):
            map_cases(square, [1], workers=0)

    def test_a_starting_worker_is_refused(self, monkeypatch):
        import multiprocessing

        process = multiprocessing.current_process()
        monkeypatch.setattr(process, "_inheriting", True, raising=False)
        with pytest.raises(RuntimeError, match="under `if __name__"):
            map_cases(square, [1, 2])


class TestInProcesses:
    def test_results_equal_those_of_one_process_and_come_from_others(self):
        cases = list(range(7))
        assert map_cases(square, cases, workers=2, progress="squares") == [
            case * case for case in cases
        ]
        found = map_cases(limits, cases[:3], workers=2)
        assert all(seen["pid"] != os.getpid() for seen in found)
        assert all(seen[name] == "1" for seen in found for name in parallel.THREAD_LIMITS)

    def test_a_failure_elsewhere_names_its_case(self):
        with pytest.raises(CaseError, match="case 3 failed: ValueError: no square of 3"):
            map_cases(fail_at_three, [1, 3, 5, 7], workers=2)

    def test_a_worker_that_dies_is_named_and_not_waited_for(self):
        with pytest.raises(CaseError, match="case 0 failed: KilledWorker|case 1 failed: Killed"):
            map_cases(die, [0, 1], workers=2)

    def test_a_call_within_a_case_stays_in_its_process(self):
        found = map_cases(nested, [2, 5], workers=2)
        assert [inner for _, inner, _ in found] == [[4, 9], [25, 36]]
        assert all(is_worker for _, _, is_worker in found)

    def test_arrays_come_back_whole(self):
        found = map_cases(np.arange, [2, 3], workers=2)
        np.testing.assert_array_equal(found[1], [0, 1, 2])


class TestOnAScheduler:
    def test_an_address_from_the_environment_is_used(self, monkeypatch):
        from dask.distributed import LocalCluster

        with LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster:
            monkeypatch.setenv(parallel.ADDRESS_VARIABLE, cluster.scheduler_address)
            assert map_cases(square, [1, 2, 3]) == [1, 4, 9]


def test_a_module_run_by_name_and_an_unguarded_script_both_end(tmp_path):
    (tmp_path / "stage.py").write_text(
        textwrap.dedent(
            """
            from hipus.parallel import map_cases
            def square(case):
                return case * case
            if __name__ == "__main__":
                print(map_cases(square, [1, 2, 3], workers=2))
            """
        )
    )
    (tmp_path / "careless.py").write_text(
        "from hipus.parallel import map_cases\nprint(map_cases(abs, [1, -2], workers=2))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
    run = {"capture_output": True, "text": True, "timeout": 60, "env": environment}
    good = subprocess.run([sys.executable, "-m", "stage"], **run)
    assert good.stdout.strip() == "[1, 4, 9]"
    careless = subprocess.run([sys.executable, str(tmp_path / "careless.py")], **run)
    assert careless.returncode != 0
    assert "__main__" in careless.stderr
