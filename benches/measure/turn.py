"""One turn: every job once, on each side."""
from dataclasses import asdict

from . import machine


class Turn:
    def __init__(self, number, runner, peers):
        self.number, self.runner, self.peers = number, runner, peers
        self.done = {}

    def result(self, who, job):
        """A job is done once in a turn; rows that need the same one share it."""
        if (who, job) not in self.done:
            self.done[who, job] = self.runner.run(job) if who == "runner" else self.peers.run(who, job)
        return self.done[who, job]

    def runner_start(self):
        result, seconds = self.runner.start(self.runner.root / "experiments" / "quickstart_pretrain.toml")
        self.done["runner", None] = result
        return seconds

    def measure(self, name, row, sides):
        """Yields a record for each of `sides`, first to last in odd turns, last to first in even ones."""
        for who in sides if self.number % 2 else reversed(sides):
            before = set(self.done)
            value = row.measure(self, who)
            if value is None:
                continue
            new = [key for key in self.done if key not in before]
            processes = [
                {"job": asdict(key[1]) if key[1] else None} | self._told(self.done[key]) for key in new
            ]
            yield {
                "row": name,
                "turn": self.number,
                "who": who,
                "value": value,
                "load": machine.load(),
                "processes": processes,
            }

    @staticmethod
    def _told(result):
        told = asdict(result)
        del told["process"]["output"]
        return told
