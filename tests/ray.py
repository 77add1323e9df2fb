"""A sweep through a real Ray: ray.py RUNNER FOLDER TOOL

24 runs; a job is stopped, the worker of another is killed, and the runner of a third; then the head is stopped with all it
has, and started again. At the end each run is done once, and tables and models are those of one machine, but for times.
Needs polars, and a Ray of this one machine at http://127.0.0.1:8265, which `TOOL stop` stops and `TOOL start` starts.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

from engines import Sweep, until

HEAD = "http://127.0.0.1:8265"
TOOL = Path(sys.argv[3]).resolve()
sweep = Sweep(sys.argv[1], sys.argv[2])


def ask(path, method="GET"):
    with urlopen(Request(f"{HEAD}/api/jobs/{path}", method=method), timeout=60) as answer:
        return json.load(answer)


def jobs():
    return {job["submission_id"]: job["status"] for job in ask("") if job["submission_id"]}


def submit(*words):
    return sweep.runner("submit", "e", "--engine", f"ray={HEAD}", *words)


def submit_again(*words):
    """Submits what is lost, as small tasks as before."""
    return submit("--runs-per-task", "2", *words)


given = []


def another():
    """A job that is in the middle of its work, with its runs and the process that does them; none that was given before."""
    for job, status in jobs().items():
        runs = work.get(f"{job}_0", [])
        if status == "RUNNING" and job not in given and sweep.has_checkpoint(runs) and (found := sweep.processes(runs)):
            given.append(job)
            return job, runs, found[0]


def parent(process):
    return int((Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[1])


sweep.alone()
begun = time.monotonic()
print(submit("--runs-per-task", "2"), end="")
work = sweep.tasks()
assert len(work) == 12 and sum(map(len, work.values())) == 24
assert "submitted:" not in submit()
# What was submitted is known to Ray, though nothing here says so.
(sweep.folder / "results/e/engine.json").unlink()
submit_again()
assert len(jobs()) == 12 and sweep.tasks() == work, jobs()

stopped, runs, process = until("a job with a checkpoint", another)
ask(f"{stopped}/stop", "POST")
died, _, victim = until("another", another)
os.kill(victim, signal.SIGKILL)
lost, _, orphan = until("another", another)
os.kill(parent(orphan), signal.SIGKILL)
until("their ends", lambda: [jobs()[job] for job in [stopped, died, lost]] == ["STOPPED", "FAILED", "FAILED"])
assert "a second signal" in ask(f"{stopped}/logs")["logs"] and "interrupted" in ask(f"{stopped}/logs")["logs"]
said = submit_again()
print(said, end="")
assert "submitted:" in said and f"{stopped}-1" in jobs(), said
assert (sweep.folder / f"results/e/ray/{died}.log").read_text().startswith("20")
record = json.loads((sweep.folder / "results/e/engine.json").read_text())
assert set(record["failures"].values()) == {1}, record["failures"]
work = sweep.tasks()

until("another", another)
sweep.call(TOOL, "stop")
sweep.call(TOOL, "start")
print(f"the head is started again after {time.monotonic() - begun:.0f} s")
print(submit_again(), end="")


def is_done():
    said = submit_again()
    return said == "e: 24 runs: 24 done\n"


until("the end", is_done, 300)
print(f"through Ray: {time.monotonic() - begun:.0f} s")
sweep.check()
