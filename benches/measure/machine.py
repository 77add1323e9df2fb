"""The machine: its processor, and the cores the measured processes are kept on."""
import os
import platform
from pathlib import Path


def processor():
    """The processor's name, and whether it has the vectors that count most here."""
    info = Path("/proc/cpuinfo")
    fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line) if info.exists() else {}
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    name = fields.get("model name") or platform.processor() or platform.machine()
    flags = fields.get("flags", "").split()
    return name + (" (AVX-512)" if "avx512f" in flags else " (AVX2)" if "avx2" in flags else "")


def cores(threads):
    """As many of the cores we may use as there are threads; none where the system cannot pin."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))[:threads]


def pin(cores):
    if cores:
        os.sched_setaffinity(0, cores)


def load():
    """Runnable processes, averaged over the last minute: above the threads we use, others disturb."""
    return round(os.getloadavg()[0], 2)
