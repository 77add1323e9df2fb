"""A sweep through a real Slurm: slurm.py RUNNER FOLDER

24 runs; a task is queued again in the middle, another is killed while the controller is down, which is started again, a
third meets its time limit. At the end each run is done once, and tables and models are those of one machine, but for times.
Needs polars and a Slurm of this one machine whose commands are on the path, and whose controller this user may start.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

RUNNER, FOLDER = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
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
""".replace("EPOCHS", os.environ.get("EPOCHS", "30"))
TIMES = ["seconds", "images_per_second", "peak_memory_mib", "started"]


def call(*words, folder=FOLDER):
    environment = os.environ | {"RUNNER_CACHE": str(FOLDER / "cache"), "RAYON_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def runner(*words):
    return call(RUNNER, *words)


def until(what, ready, seconds=150):
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, f"{what} did not come: {call('squeue', '--array')}"
        time.sleep(0.2)
    return found


def tasks(state):
    return call("squeue", "--noheader", "--me", "--array", "--format=%F_%K", f"--states={state}").split()


def has_checkpoint(runs):
    return any(list((FOLDER / f"results/e/runs/{run}").glob("checkpoint/*.safetensors")) for run in runs)


def processes(runs):
    """The runners that do these runs."""
    only = ",".join(runs).encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == bytes(RUNNER) and only in words:
            found.append(int(folder.name))
    return found


def table(results, file):
    return pl.read_parquet(FOLDER / results / "e" / file).drop(TIMES, strict=False)


FOLDER.mkdir(parents=True, exist_ok=True)
(FOLDER / "e.toml").write_text(SPEC)
begun = time.monotonic()
runner("e", "--results", "alone")
print(f"alone: {time.monotonic() - begun:.0f} s")

begun = time.monotonic()
print(runner("submit", "e", "--engine", "slurm", "--runs-per-task", "2", "--", "--time=1"), end="")
job = json.loads((FOLDER / "results/e/engine.json").read_text())["jobs"][0]
print(runner("submit", "e", "--engine", "slurm"), end="")
work = {f"{job['id']}_{task}": runs for task, runs in job["tasks"].items()}
assert len(work) == 12 and sum(map(len, work.values())) == 24

kept = []


def another():
    """A task that is in the middle of its work, with the process that does it; none that was given before."""
    for task in tasks("R"):
        if task not in kept and has_checkpoint(work[task]) and (found := processes(work[task])):
            kept.append(task)
            return task, found[0]


def is_told(process):
    """Whether SIGUSR1 waits for a process."""
    lines = (Path("/proc") / str(process) / "status").read_text().splitlines()
    waiting = next(line for line in lines if line.startswith("ShdPnd:")).split()[1]
    return int(waiting, 16) >> (signal.SIGUSR1 - 1) & 1


# It has its work still to do when the time limit comes near, however fast the machine is.
slow, process = until("a task with a checkpoint", another)
os.kill(process, signal.SIGSTOP)
first, _ = until("another", another)
call("scontrol", "requeue", first)
other, victim = until("another", another)
call("scontrol", "shutdown", "slurmctld")
os.kill(victim, signal.SIGKILL)
refused = FOLDER / f"results/e/slurm/{other}.log"
until("a controller that is down", lambda: "Unable to contact slurm controller" in refused.read_text())
call("slurmctld")
until("the controller", lambda: subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0)
print(f"{first} queued again, {other} killed without a controller after {time.monotonic() - begun:.0f} s")
until("the time limit", lambda: is_told(process))
os.kill(process, signal.SIGCONT)

waiting = {}


def hurry():
    """Slurm has tasks that are queued again wait for two minutes; gives whether there are none of any kind.

    Some seconds they must wait: what is started in the second in which it was ended is taken for what was ended.
    """
    listed = call("squeue", "--noheader", "--me", "--array", "--format=%F_%K %T %r").splitlines()
    for task, state, reason in map(str.split, listed):
        if (state, reason) != ("PENDING", "BeginTime"):
            waiting.pop(task, None)
        elif time.monotonic() > waiting.setdefault(task, time.monotonic()) + 3:
            call("scontrol", "update", f"jobid={task}", "starttime=now")
            waiting.pop(task)
    return not listed


until("the end", hurry)
print(f"through Slurm: {time.monotonic() - begun:.0f} s")
said = runner("submit", "e", "--engine", "slurm")
assert said == "e: 24 runs: 24 done\n", said

logs = {task: (FOLDER / f"results/e/slurm/{task}.log").read_text() for task in work}
assert "status 137: this task is queued again" in logs[other], logs[other]
assert "status 75: this task is queued again" in logs[slow], logs[slow]
resumed = sum(log.count("resumes after") for log in logs.values())
assert resumed > 0 and not any("is silent" in log for log in logs.values())
print(f"{slow} met its time limit, runs resumed {resumed} times")
for run in table("results", "runs.parquet")["run"]:
    log = (FOLDER / f"results/e/runs/{run}/log.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in log]
    assert events.count("finished") == 1, (run, events)
    model = [(FOLDER / f"{results}/e/runs/{run}/model.safetensors").read_bytes() for results in ["results", "alone"]]
    assert model[0] == model[1], run
for file in ["metrics.parquet", "runs.parquet", "predictions.parquet"]:
    assert table("results", file).equals(table("alone", file)), file
print("every run was done once, with the bytes of one machine")
