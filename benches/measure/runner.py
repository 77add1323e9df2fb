"""runner's side: the same jobs, by its command line."""
import datetime
import json
import os
import subprocess
import tempfile
from pathlib import Path

from . import process
from .job import Result

# A run ends with its test images, which the peers' jobs do not have: one must do.
SPEC = """
name = "job"
seed = {seed}
[dataset]
name = "cifar10"
path = "{data}"
train_limit = {limit}
test_limit = 1
[backbone]
arch = "vgg16"
weights = "{weights}"
input_size = 32
[freeze]
through = {freeze}
[[head]]
layer = "flatten"
[[head]]
layer = "dense"
units = 256
activation = "relu"
[[head]]
layer = "batch_normalization"
[[head]]
layer = "dropout"
rate = 0.5
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[optimizer]
name = "adam"
[training]
epochs = {epochs}
batch_size = 32
device = "cpu"
"""


class Runner:
    def __init__(self, root, data, threads, weights="random"):
        self.root, self.data, self.threads, self.weights = root, data, threads, weights
        self.binary = root / "target" / "release" / "runner"

    def set_up(self, variables=()):
        """Builds it, with more environment variables."""
        command = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", "runner"]
        subprocess.run(command, cwd=self.root, check=True, env=os.environ | dict(variables))

    def version(self):
        return process.run([self.binary, "--version"], self.threads).output.strip()

    def run(self, job, under=()):
        """Does `job` in empty folders: nothing that an earlier run has kept is found.

        `under` is a command that takes another to run, such as a profiler.
        """
        with tempfile.TemporaryDirectory() as folder:
            spec = Path(folder) / "job.toml"
            spec.write_text(SPEC.format(data=self.data, weights=self.weights, **vars(job)))
            options = [word for option in job.options for word in ("--set", option)]
            done = self._call([spec, "--results", folder, "--quiet", *options], folder, under)
            runs = sorted(Path(folder).glob("job/runs/*"))
            if job.inference:
                options = [f"--set=dataset.test_limit={job.inference}", "--set=training.batch_size=256"]
                found = self._call(["evaluate", runs[0], "--format", "json", *options], folder)
                return Result(found, inference=json.loads(found.output)["images_per_second"])
            return Result(done, epochs=[event["seconds"] for event in events(runs[0]) if event["event"] == "epoch"])

    def start(self, spec):
        """Seconds from the start of the process to where the training loop begins, with an empty cache."""
        with tempfile.TemporaryDirectory() as folder:
            done = self._call([spec, "--results", folder, "--quiet", "--set", "training.epochs=1"], folder)
            begins = [e for e in events(*Path(folder).glob("*/runs/*")) if e["event"] == "training"]
            at = datetime.datetime.fromisoformat(begins[0]["time"])
            return Result(done), at.timestamp() - done.started

    def _call(self, arguments, folder, under=()):
        return process.run([*under, self.binary, *arguments], self.threads, {"RUNNER_CACHE": f"{folder}/cache"})


def events(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
