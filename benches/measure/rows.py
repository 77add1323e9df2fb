"""The rows of the table: what is measured, and what is wished for."""
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from .job import DEPTHS, Job

SPEED, MEMORY, SECONDS = "speed", "memory", "seconds"


@dataclass(frozen=True)
class Row:
    """`measure(turn, who)` gives the value of `runner`, `keras` or `torch` in a turn.

    `kind` says how values compare: `speed` by how many times runner is faster, `memory` by runner's share of a
    peer's, `seconds` not at all; the wished values are of the same kind.
    """

    title: str
    unit: str
    measure: Callable
    at_least: float
    aim: float
    kind: str = SPEED

    @property
    def more_is_better(self):
        return self.unit == "images/s"


def rows(quick, seeds):
    """All rows by their short names; the sweep has so many `seeds`."""
    images = (lambda n: n // 5) if quick else (lambda n: n)
    epochs = (lambda n: 2) if quick else (lambda n: n)
    lesson = Job(freeze=15, limit=images(5000), epochs=epochs(10))
    size = f"{lesson.limit:,} images × {lesson.epochs} epochs"
    of_sweep = Job(limit=images(2000), epochs=epochs(5))
    sweep_size = f"{seeds} seed{'s' * (seeds > 1)}: {of_sweep.limit:,} images × {of_sweep.epochs} epochs"
    second = "images/s of the second epoch"
    return {
        "train0": Row(f"train, nothing frozen, {second}", "images/s", epoch(Job(0, images(1000))), 1.3, 2),
        "train15": Row(
            f"train, frozen through block4_pool, {second}", "images/s", epoch(Job(15, images(2000))), 3, 6
        ),
        "train19": Row(f"train the head only, {second}", "images/s", epoch(Job(19, images(2000))), 60, 150),
        "lesson": Row(f"the lesson's job: {size}", "s", wall(lesson), 3, 5),
        "sweep": Row(f"sweep of 5 depths × {sweep_size}", "s", sweep(of_sweep, seeds), 2, 4),
        "inference": Row(
            "inference, images/s", "images/s", inference(Job(19, 320, 1, inference=images(2000))), 1.2, 2
        ),
        "memory": Row(f"peak memory, {size}, no features kept", "MiB", memory(lesson), 0.5, 0.3, MEMORY),
        "start": Row("from start to the first training step", "s", start, 0.1, 0.05, SECONDS),
    }


def epoch(job):
    """Training images per second of the second epoch, its validation included in the time."""
    return lambda turn, who: int(0.9 * job.limit) / turn.result(who, job).epochs[1]


def wall(job):
    return lambda turn, who: turn.result(who, job).process.wall


def memory(job):
    """The peers' from the same processes as the lesson's wall time, where that was measured in this turn."""
    without_features = replace(job, options=('features.memory="0"',))
    return lambda turn, who: turn.result(who, without_features if who == "runner" else job).process.peak_mib


def inference(job):
    return lambda turn, who: turn.result(who, job).inference


def sweep(job, seeds):
    """runner's one process against the sum of a peer's: one for each depth and seed."""
    depths, chosen = json.dumps(list(DEPTHS)), list(range(seeds))
    axes = (f'sweep.axes."freeze.through"={depths}', f"sweep.axes.seed={chosen}")

    def measure(turn, who):
        if who == "runner":
            return turn.result(who, replace(job, options=axes)).process.wall
        runs = [replace(job, freeze=n, seed=seed) for n in DEPTHS.values() for seed in chosen]
        return sum(turn.result(who, run).process.wall for run in runs)

    return measure


def start(turn, who):
    return turn.runner_start() if who == "runner" else None
