#!/usr/bin/env python3
"""Whole networks at 224×224 in runner and in other programs, in turns, as a Markdown table.

    benches/networks.py --python venv/bin/python                       every network, forward and a step: hours
    benches/networks.py --python venv/bin/python --what forward --turns 3 resnet50 mobilenetv2_100
    benches/networks.py --report target/networks.jsonl                 the table of what was measured earlier

The Python must have torch, torchvision, timm, onnx, onnxruntime and openvino. Every value is the best of some passes of a
process of its own; a ratio compares runner with the fastest of the others in the same turn, and the table has the median of
the turns, the least and the most. Nothing else should run meanwhile.
"""
import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = {
    # What a forward pass should reach beside the fastest.
    "vgg16": 1.8,
    "resnet18": 1.0,
    "squeezenet1_1": 1.0,
    "resnet50": 0.9,
    "convnext_tiny": 0.9,
    "vit_small_patch16_224": 0.9,
    "mobilenetv2_100": 0.75,
    "efficientnet_b0": 0.75,
}
STEP = 1.2
PEERS = {"forward": ["torch", "compile", "onnxruntime", "openvino"], "step": ["torch", "compile"]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--python", type=Path)
    parser.add_argument("--what", choices=list(PEERS), action="append")
    parser.add_argument("--peers", type=lambda names: names.split(","))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "networks.jsonl")
    parser.add_argument("--report", type=Path)
    return parser.parse_args()


def own_program():
    """Built, and where it lies."""
    command = ["cargo", "bench", "--bench", "networks", "--no-run", "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    built = [json.loads(line) for line in done.stdout.splitlines()]
    return next(b["executable"] for b in built if b.get("target", {}).get("name") == "networks" and b.get("executable"))


def best(command, threads):
    environment = {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=os.environ | environment)
    return max(float(line.split()[-1]) for line in done.stdout.splitlines())


def measure(a, own, out):
    for what in a.what or list(PEERS):
        for name in a.networks or list(NETWORKS):
            for turn in range(a.turns):
                sides = ["runner", *(peer for peer in PEERS[what] if not a.peers or peer in a.peers)]
                for who in sides if turn % 2 == 0 else reversed(sides):
                    passes = ["--turns", str(a.passes)]
                    script = ROOT / "benches" / "peers" / "networks.py"
                    command = [a.python, script, who, what, name, "--threads", str(a.threads)]
                    command = [own, what, name] if who == "runner" else command
                    value = best([*command, *passes], a.threads)
                    record = {"what": what, "network": name, "turn": turn, "who": who, "value": value}
                    print(json.dumps(record), file=out, flush=True)


def table(records):
    lines = []
    for what, peers in PEERS.items():
        measured = [r for r in records if r["what"] == what]
        if not measured:
            continue
        sides = ["runner", *(peer for peer in peers if any(r["who"] == peer for r in measured))]
        head = [f"{what}, images/s", *sides, "beside the fastest", "spread", "wanted"]
        lines += ["", "| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
        for name, wanted in NETWORKS.items():
            rows = [r for r in measured if r["network"] == name]
            if rows:
                lines.append(row(name, rows, sides, wanted if what == "forward" else STEP))
    return "\n".join(lines[1:])


def row(name, rows, sides, wanted):
    turns = {}
    for r in rows:
        turns.setdefault(r["turn"], {})[r["who"]] = r["value"]
    typical = [statistics.median(t[who] for t in turns.values() if who in t) for who in sides]
    whole = [t for t in turns.values() if set(sides) <= set(t)]
    ratios = [t["runner"] / max(t[who] for who in sides[1:]) for t in whole]
    spread = f"{min(ratios):.2f}–{max(ratios):.2f} of {len(ratios)}"
    cells = [name, *(f"{v:.3g}" for v in typical), f"**{statistics.median(ratios):.2f}×**", spread, f"{wanted}×"]
    return "| " + " | ".join(cells) + " |"


def main():
    a = arguments()
    if not a.report:
        own = own_program()
        a.out.parent.mkdir(parents=True, exist_ok=True)
        with a.out.open("a") as out:
            measure(a, own, out)
    print(table([json.loads(line) for line in (a.report or a.out).read_text().splitlines()]))


if __name__ == "__main__":
    main()
