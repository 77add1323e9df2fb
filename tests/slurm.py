"""A sweep through a real Slurm: slurm.py RUNNER FOLDER

24 runs; a task is queued again in the middle, another is killed while the controller is down, which is started again, a
third meets its time limit. At the end each run is done once, and tables and models are those of one machine, but for times.
Needs polars and a Slurm of this one machine whose commands are on the path, and whose controller this user may start.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engines import Sweep, until

sweep = Sweep(sys.argv[1], sys.argv[2])
call = sweep.call


def tasks(state):
    return call("squeue", "--noheader", "--me", "--array", "--format=%F_%K", f"--states={state}").split()


sweep.alone()
begun = time.monotonic()
print(sweep.runner("submit", "e", "--engine", "slurm", "--runs-per-task", "2", "--", "--time=1"), end="")
work = sweep.tasks()
print(sweep.runner("submit", "e", "--engine", "slurm"), end="")
assert len(work) == 12 and sum(map(len, work.values())) == 24
log = lambda task: sweep.folder / f"results/e/slurm/{task}.log"

kept = []


def another():
    """A task that is in the middle of its work, with the process that does it; none that was given before."""
    for task in tasks("R"):
        if task not in kept and sweep.has_checkpoint(work[task]) and (found := sweep.processes(work[task])):
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


def is_refused():
    said = log(other).read_text()
    return len(said.partition("this task is queued again\n")[2].splitlines()) > 1


until("a controller that is down", is_refused)
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
said = sweep.runner("submit", "e", "--engine", "slurm")
assert said == "e: 24 runs: 24 done\n", said

logs = {task: log(task).read_text() for task in work}
assert "status 137: this task is queued again" in logs[other], logs[other]
assert "status 75: this task is queued again" in logs[slow], logs[slow]
resumed = sum(text.count("resumes after") for text in logs.values())
assert resumed > 0 and not any("is silent" in text for text in logs.values())
print(f"{slow} met its time limit, runs resumed {resumed} times")
sweep.check()
