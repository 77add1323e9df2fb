"""Whole networks of timm in PyTorch, onnxruntime or OpenVINO: images a second of a forward pass or a step of training.

usage: networks.py PEER forward|step NETWORK [--turns N] [--batch N] [--threads N]

PEER is `torch` (eager, channels last), `compile` (torch.compile, channels last), `onnxruntime` or `openvino`, which know
forward passes only. 224×224, float32, random weights, random images; a step is loss, gradients and Adam. A line a turn.
"""
import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

SIDE = 224


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("what", choices=["forward", "step"])
    parser.add_argument("network")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def network(name):
    """timm's, or torchvision's where timm has none."""
    import timm
    import torchvision

    return timm.create_model(name) if timm.is_model(name) else torchvision.models.get_model(name)


def with_torch(a, images, compiled):
    import torch

    model = network(a.network).to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)
    if a.what == "forward":
        model.eval()
        call = torch.compile(model) if compiled else model

        def forward():
            with torch.inference_mode():
                call(images)

        return forward
    model.train()
    call = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    targets = torch.arange(len(images))

    def step():
        loss = torch.nn.functional.cross_entropy(call(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def exported(a, images, folder):
    import torch

    path = Path(folder) / "network.onnx"
    torch.onnx.export(network(a.network).eval(), (images,), path, dynamo=False, input_names=["x"])
    return str(path)


def with_onnxruntime(a, images):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.threads
    with tempfile.TemporaryDirectory() as folder:
        session = onnxruntime.InferenceSession(exported(a, images, folder), options, ["CPUExecutionProvider"])
    values = images.numpy()
    return lambda: session.run(None, {"x": values})


def with_openvino(a, images):
    import openvino

    hints = {"INFERENCE_NUM_THREADS": a.threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    with tempfile.TemporaryDirectory() as folder:
        compiled = openvino.Core().compile_model(exported(a, images, folder), "CPU", hints)
    values = images.numpy()
    return lambda: compiled(values)


PEERS = {
    "torch": lambda a, images: with_torch(a, images, False),
    "compile": lambda a, images: with_torch(a, images, True),
    "onnxruntime": with_onnxruntime,
    "openvino": with_openvino,
}


def main():
    a = arguments()
    os.environ["OMP_NUM_THREADS"] = str(a.threads)
    import torch

    torch.set_num_threads(a.threads)
    if a.what == "step" and a.peer in ("onnxruntime", "openvino"):
        sys.exit(f"{a.peer} does not train")
    run = PEERS[a.peer](a, torch.rand(a.batch, 3, SIDE, SIDE))
    run()
    for _ in range(a.turns):
        start = time.perf_counter()
        run()
        print(f"{a.what} {a.network} {a.batch / (time.perf_counter() - start):.2f}", flush=True)


if __name__ == "__main__":
    main()
