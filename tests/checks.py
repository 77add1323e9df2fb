"""What the checks in other programs have in common: how they end at the first fault, and how they call the program."""

import subprocess
import sys


def expect(condition, message):
    if not condition:
        sys.exit(f"error: {message}")


def run(program, *arguments, folder):
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
    expect(done.returncode == 0, f"runner {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done.stdout
