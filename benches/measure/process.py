"""One measured process."""
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass

from . import machine

# They choose kernels of numpy's library by hand, for machines where it is mistaken.
NOT_PASSED_ON = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}


class Failed(Exception):
    pass


@dataclass
class Done:
    """`started` is by the wall clock; the other times are seconds; memory is the largest resident set."""

    started: float
    wall: float
    user: float
    system: float
    peak_mib: float
    output: str


def run(command, threads, variables=()):
    """Runs a command with `threads` threads on as many cores."""
    environment = {k: v for k, v in os.environ.items() if k not in NOT_PASSED_ON}
    counts = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    environment |= {name: str(threads) for name in counts} | dict(variables)
    cores = machine.cores(threads)
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, env=environment, preexec_fn=lambda: machine.pin(cores)
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            tail = errors.read()[-3000:]
            raise Failed(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{tail}")
        unit = 1024 if os.uname().sysname == "Linux" else 1024 * 1024
        return Done(started, wall, used.ru_utime, used.ru_stime, used.ru_maxrss / unit, output.read())
