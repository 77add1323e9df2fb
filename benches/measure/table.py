"""The table, from what was measured."""
import statistics

from .peer import NAMES
from .rows import MEMORY, SECONDS, SPEED

HEAD = ["job", "runner", *NAMES.values(), "ratio", "spread", "at least", "aim"]


def table(rows, records):
    """Markdown, one line a row that has records."""
    lines = [line(HEAD), line(["---"] * len(HEAD))]
    for name, row in rows.items():
        turns = {}
        for record in records:
            if record["row"] == name:
                turns.setdefault(record["turn"], {})[record["who"]] = record["value"]
        if turns:
            lines.append(line(cells(row, list(turns.values()))))
    return "\n".join(lines)


def cells(row, turns):
    typical = [median([turn[who] for turn in turns if who in turn]) for who in ["runner", *NAMES]]
    found = [ratio for turn in turns if (ratio := ratio_of(row, turn)) is not None]
    sign = "" if row.kind == SECONDS else "×"
    spread = f"{number(min(found))}–{number(max(found))} of {len(found)}" if found else "–"
    ratio = f"**{number(median(found))}{sign}**" if found else "–"
    values = [number(value) + (f" {row.unit}" if value is not None else "") for value in typical]
    return [row.title, *values, ratio, spread, f"{row.at_least}{sign or ' s'}", f"{row.aim}{sign or ' s'}"]


def ratio_of(row, turn):
    """runner against the better of the peers in the same turn; for `seconds` runner's own value."""
    own, peers = turn.get("runner"), [turn[who] for who in NAMES if who in turn]
    if own is None or (not peers and row.kind != SECONDS):
        return None
    if row.kind == SECONDS:
        return own
    best = max(peers) if row.more_is_better else min(peers)
    larger_is_runner = row.kind == MEMORY or (row.kind == SPEED and row.more_is_better)
    return own / best if larger_is_runner else best / own


def median(values):
    return statistics.median(values) if values else None


def number(value):
    """Three digits that count."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def line(cells):
    return "| " + " | ".join(cells) + " |"
