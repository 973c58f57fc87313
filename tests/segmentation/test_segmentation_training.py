"""A training in a process of its own: end to end, killed, refused."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from hipus.segmentation import model_files, nnunet_child, training, training_process
from hipus.segmentation.training_process import read_epochs

_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "MPLBACKEND": "agg"}


@pytest.fixture
def train(tmp_path, make_cases, small_numbers):
    """Return a function that trains model 2.3 below a folder."""

    def run(name: str, **options):
        given = {"epochs": 6, **options.pop("numbers", {})}
        return training.train(
            "2.3",
            lambda: make_cases(6, channels=5),
            small_numbers("2.3", **given),
            work_dir=tmp_path / name,
            model_dir=tmp_path / name / "model",
            seed=4,
            **options,
        )

    return run


@pytest.fixture
def children(monkeypatch):
    """Return the list of processes that trainings start."""
    started, real = [], subprocess.Popen

    def popen(*arguments, **named):
        process = real(*arguments, **named)
        if "hipus.segmentation.nnunet_child" in arguments[0]:  # not what nnU-Net itself starts
            started.append(process)
        return process

    monkeypatch.setattr(training_process.subprocess, "Popen", popen)
    return started


@pytest.fixture
def in_process(monkeypatch):
    """Return a function that trains in this process, which is left as it was."""
    import torch

    def run(job, folder, *, title):
        with monkeypatch.context() as patched:
            patched.setattr(os, "environ", dict(os.environ))
            (folder / nnunet_child.JOB).write_text(json.dumps(job))
            nnunet_child.main(str(folder / nnunet_child.JOB))

    before = torch.get_num_threads()
    yield run
    torch.set_num_threads(before)


def without_seconds(epochs) -> list[dict]:
    """Return rows of epochs that equal trainings have in common."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in epochs]


def kill_after_an_epoch(children, folder) -> None:
    """Kill the training's process as soon as one epoch is done, as the kernel would."""
    while not children or not any(map(read_epochs, folder.glob("*/epochs.jsonl"))):
        time.sleep(0.005)
    children[0].kill()


class TestTraining:
    def test_killed_and_called_again_ends_as_one_that_ran_through(
        self, train, tmp_path, children, in_process, monkeypatch
    ):
        threading.Thread(
            target=kill_after_an_epoch, args=(children, tmp_path / "killed"), daemon=True
        ).start()
        with pytest.raises(RuntimeError, match=r"ended with -9 .* goes on from the last whole"):
            train("killed")
        (folder,) = [path.parent for path in (tmp_path / "killed").glob("*/prepared.json")]
        assert 1 <= len(read_epochs(folder / "epochs.jsonl")) < 6
        resumed = train("killed")
        monkeypatch.setattr(training, "run", in_process)
        whole = train("whole")
        assert resumed.work_dir == folder
        assert without_seconds(resumed.epochs) == without_seconds(whole.epochs)
        assert [row["epoch"] for row in whole.epochs] == list(range(6))
        weights = [run.model_dir / "weights.pt" for run in (resumed, whole)]
        assert weights[0].read_bytes() == weights[1].read_bytes()
        about = json.loads((whole.model_dir / "model.json").read_text())
        assert about["training_subjects"] == ["S000", "S001", "S002", "S003"]
        assert about["validation_subjects"] == ["S004", "S005"]
        assert len(about["channels"]) == 5
        assert sorted(about["pieces"]) == sorted(training.learned_labels("hip"))
        assert {found["case_count"] for found in about["pieces"].values()} == {2}
        assert (about["seed"], about["device"], about["origin"]) == (4, "cpu", "simulated")
        monkeypatch.setattr(training, "run", None)
        self.finished_is_not_trained_again(train, whole)

    def finished_is_not_trained_again(self, train, whole):
        """Check that a further call trains nothing, and what is left of the training."""
        again = train("whole")
        assert without_seconds(again.epochs) == without_seconds(whole.epochs)
        left = {path.name for path in whole.work_dir.iterdir()}
        assert left == {"epochs.jsonl", "finished.json", "job.json", "weights.pt"}
        (whole.work_dir / "weights.pt").write_bytes(b"x")
        with pytest.raises(ValueError, match=r"is not what the training left; delete .* to train"):
            train("whole")

    def test_cases_that_fit_no_network_start_no_process(self, children, make_cases, small_numbers):
        with pytest.raises(ValueError, match=r"channels must be \(5, H, W\)"):
            training.train(
                "2.3",
                make_cases,
                small_numbers("2.3"),
                work_dir=None,
                model_dir=None,
                seed=0,
            )
        assert children == []


class TestKeys:
    def key(self, make_plans, make_cases, *, device="cpu", count=4, initial=None, **changes):
        """Return the key of a training."""
        labels = training.learned_labels("hip")
        facts = training.examine(make_cases(count), channel_count=1, label_names=labels)
        job = {"plans": make_plans("2.1", **changes), "device": device, "initial_weights": initial}
        return training._key(job, facts)

    def test_change_with_all_that_moves_a_weight(self, make_plans, make_cases):
        start = {"path": "a", "sha256": "1", "with_heads": True}
        keys = [
            self.key(make_plans, make_cases),
            self.key(make_plans, make_cases, seed=1),
            self.key(make_plans, make_cases, learning_rate=0.1),
            self.key(make_plans, make_cases, threads=2),
            self.key(make_plans, make_cases, count=5),
            self.key(make_plans, make_cases, device="cuda"),
            self.key(make_plans, make_cases, initial=start),
        ]
        assert len(set(keys)) == len(keys)
        moved = self.key(make_plans, make_cases, initial=start | {"path": "elsewhere"})
        assert moved == keys[-1]


class TestLabels:
    def test_networks_learn_four_structures_of_the_hip_and_three_of_stills(self):
        assert training.learned_labels("hip") == {
            "ilium": 1,
            "femoral_head": 2,
            "chondro_osseous_border": 3,
            "femoral_cortex": 4,
        }
        others = [name for name in training.SCHEMES if name != "hip"]
        assert [list(training.learned_labels(name).values()) for name in others] == [[1, 2, 3]]

    def test_an_unknown_scheme(self):
        with pytest.raises(ValueError, match=r"scheme must be one of \['hip', .* got 'knee'"):
            training.learned_labels("knee")


class TestInitialWeights:
    @pytest.mark.parametrize(
        ("labels", "with_heads"), [({"a": 1}, True), ({"a": 1, "b": 2}, False)]
    )
    def test_last_layers_are_taken_where_structures_are_the_same(
        self, tmp_path, labels, with_heads
    ):
        dataset = {"labels": {"background": 0, "a": 1}}
        (tmp_path / model_files.DATASET).write_text(json.dumps(dataset))
        (tmp_path / model_files.WEIGHTS).write_bytes(b"weights")
        assert training._initial(tmp_path, labels)["with_heads"] is with_heads


class TestProcess:
    def test_a_process_that_fails_is_quoted(self, tmp_path):
        job = {"plans": {"configurations": {"m21": {"study": {"epochs": 1}}}}}
        with pytest.raises(
            RuntimeError, match=r"(?s)^model 2.1: its training ended with 1 .*KeyError"
        ):
            training_process.run(job, tmp_path, title="model 2.1")

    def test_a_process_ends_when_the_one_that_started_it_is_gone(self):
        code = (
            "import time; from hipus.segmentation import nnunet_child\n"
            "nnunet_child._end_with_parent(); time.sleep(60)"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
        child.stdin.close()
        assert child.wait(timeout=30) == 1

    def test_importing_the_driver_imports_neither_torch_nor_nnunet(self):
        code = (
            "import sys, hipus.segmentation.training, hipus.segmentation.nnunet_child; "
            "print(*{'torch', 'nnunetv2', 'matplotlib'} & set(sys.modules))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (run.returncode, run.stdout.split()) == (0, []), run.stderr

    def test_the_environment_is_the_measured_one(self, tmp_path):
        found = nnunet_child.environment(tmp_path, {"threads": 1})
        assert {name: found[name] for name in _ENVIRONMENT} == _ENVIRONMENT
        assert found["nnUNet_compile"] == "f"
        assert found["nnUNet_results"] == str(tmp_path / "results")

    def test_an_epoch_without_any_structure_has_words_too(self):
        row = {"dice": [None, None], "train_loss": None}
        assert training_process._words(row) == "loss none, Dice none"
        row = {"dice": [None, 0.5, 0.7], "train_loss": 1.25}
        assert training_process._words(row) == "loss 1.250, Dice 0.600"
