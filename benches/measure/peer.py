"""The peers: their environment, and a job of theirs in a process of its own."""
import json
import subprocess
import sys

from . import process
from .job import Result

NAMES = {"keras": "Keras", "torch": "PyTorch"}


class Peers:
    def __init__(self, root, data, threads):
        self.python = root / "target" / "peers" / "bin" / "python"
        self.scripts = root / "benches" / "peers"
        self.data, self.threads = data, threads
        self.versions = {}

    def set_up(self):
        """Installs the peers where they are not yet; again when the requirements have changed."""
        requirements = self.scripts / "requirements.txt"
        folder = self.python.parent.parent
        installed = folder / "installed.txt"
        if installed.exists() and installed.read_bytes() == requirements.read_bytes():
            return
        print(f"installing the peers into {folder} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
        installed.write_bytes(requirements.read_bytes())

    def run(self, who, job):
        """Does `job` with the peer `who`; runner's options are left aside."""
        command = [self.python, self.scripts / f"{who}_job.py", f"--data={self.data}", f"--threads={self.threads}"]
        command += [f"--freeze={job.freeze}", f"--limit={job.limit}", f"--epochs={job.epochs}"]
        command += [f"--seed={job.seed}", f"--inference={job.inference}"]
        done = process.run(command, self.threads)
        lines = [json.loads(line) for line in done.output.splitlines()]
        self.versions[who] = lines[0]["version"]
        inference = [line["inference"] / line["seconds"] for line in lines if "inference" in line]
        return Result(
            done,
            epochs=[line["seconds"] for line in lines if "epoch" in line],
            cpu_seconds=[line["cpu_seconds"] for line in lines if "cpu_seconds" in line],
            inference=inference[0] if inference else None,
        )
