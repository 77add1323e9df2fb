"""What the tests of engines have in common: a sweep of 24 runs, done on one machine and through an engine."""

import json
import os
import subprocess
import time
from pathlib import Path

import polars as pl

SPEC = """
[dataset]
name = "digits"
train_limit = 60
test_limit = 20
[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[training]
epochs = EPOCHS
batch_size = 24
[sweep.axes]
"freeze.through" = ["fire5", "fire7", "fire9"]
seed = [0, 1, 2, 3, 4, 5, 6, 7]
"""
TIMES = ["seconds", "images_per_second", "peak_memory_mib", "started"]


class Sweep:
    """The sweep, by a runner, in a folder of its own."""

    def __init__(self, runner, folder):
        self.program, self.folder = Path(runner).resolve(), Path(folder).resolve()
        self.folder.mkdir(parents=True)
        os.environ |= {"RUNNER_CACHE": str(self.folder / "cache"), "RAYON_NUM_THREADS": "1"}
        (self.folder / "e.toml").write_text(SPEC.replace("EPOCHS", os.environ.get("EPOCHS", "60")))

    def call(self, *words):
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def runner(self, *words):
        return self.call(self.program, *words)

    def alone(self):
        begun = time.monotonic()
        self.runner("e", "--results", "alone")
        print(f"alone: {time.monotonic() - begun:.0f} s", flush=True)

    def tasks(self):
        """The runs of each task that was submitted last, by its job and number."""
        record = json.loads((self.folder / "results/e/engine.json").read_text())
        return {f"{job['id']}_{n}": runs for job in record["jobs"] for n, runs in job["tasks"].items()}

    def has_checkpoint(self, runs):
        folders = [self.folder / "results/e/runs" / run / "checkpoint" for run in runs]
        return any(list(folder.glob("*.safetensors")) for folder in folders)

    def processes(self, runs):
        """The runners that do these runs."""
        only, found = ",".join(runs).encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == bytes(self.program) and only in words:
                found.append(int(folder.name))
        return found

    def table(self, results, file):
        return pl.read_parquet(self.folder / results / "e" / file).drop(TIMES, strict=False)

    def check(self):
        """Every run is done once, with the bytes of one machine."""
        for run in self.table("results", "runs.parquet")["run"]:
            log = (self.folder / f"results/e/runs/{run}/log.jsonl").read_text().splitlines()
            events = [json.loads(line)["event"] for line in log]
            # Killed while its end is being written, a run is ended again; nothing is trained twice.
            assert "epoch" not in events[events.index("finished"):], (run, events)
            model = f"e/runs/{run}/model.safetensors"
            models = [(self.folder / results / model).read_bytes() for results in ["results", "alone"]]
            assert models[0] == models[1], run
        for file in ["metrics.parquet", "runs.parquet", "predictions.parquet"]:
            assert self.table("results", file).equals(self.table("alone", file)), file
        print("every run was done once, with the bytes of one machine")


def until(what, ready, seconds=150):
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.2)
    return found
