#!/usr/bin/env python3
"""What PyTorch does on one GPU with the jobs that runner is measured on: training steps, the lesson, the ceilings.

    python3 peer.py --jobs vgg32,frozen --modes eager,reduce-overhead
    python3 peer.py --jobs lesson --images 50000 --epochs 3
    python3 peer.py --jobs vgg32/tf32/32,ceilings --seconds 1

| job | what it measures |
| --- | --- |
| vgg32/PRECISION/BATCH | VGG-16's convolutions at 32x32 and the lesson's head; tf32 or bf16, batches of 32 or 512 |
| resnet50, vit_s | timm's models at 224x224, batches of 64, bf16 |
| frozen-block4, frozen-all | vgg32 with the convolutions through block4, or all of them, frozen; tf32, batches of 32 |
| lesson | the lesson as a whole: images on the GPU, epochs, validation after each, the test at the end; tf32 |
| ceilings/copy, /bf16, /tf32 | bytes read and written a second by a copy; TFLOP/s of a product of 8192x8192 matrices |

The beginning of a name stands for all that begin so: `vgg32`, `vgg32/bf16`, `frozen`. Every line printed is a JSON
object: first the versions, then one for each job and mode. A mode is one of torch.compile's, or `eager`. A job that
fails prints its `error`, and the next one goes on.

A step is zero_grad, forward, loss, backward and a fused Adam's step, with its input on the GPU already, channels last.
Steps are timed in blocks, each ended by a synchronization; the value is the blocks' median, beside the least and the
most. `compile_seconds` is the time of the first three steps, which compile, record CUDA graphs and let cuDNN search; in
the lesson, of a few batches of every kind. No other time holds any of it: `seconds_total` is that of the epochs and the
test. With compilation, an epoch's last batch, which is smaller, goes through the eager model, not compiled anew.
"""
import argparse
import atexit
import contextlib
import functools
import gc
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import traceback

CACHE = tempfile.mkdtemp(prefix="peer-")
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(CACHE, "inductor")
os.environ["TRITON_CACHE_DIR"] = os.path.join(CACHE, "triton")
os.environ.setdefault("TORCHINDUCTOR_AUTOTUNE_NUM_CHOICES_DISPLAYED", "0")
os.environ.setdefault("TORCHINDUCTOR_MAX_AUTOTUNE_REPORT_CHOICES_STATS", "0")

import torch
from torch import nn
from torch.nn import functional as F

MODES = ["eager", "default", "max-autotune-no-cudagraphs", "reduce-overhead", "max-autotune"]
GRAPHS = ["reduce-overhead", "max-autotune"]  # the modes that record CUDA graphs
BLOCKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]  # VGG-16: convolutions, channels
CLASSES = 10
COPIED = 2 << 30  # bytes
SIDE = 8192  # of the multiplied matrices
EVALUATED = 1000  # images in a batch of an evaluation
TESTED = 10_000  # images


def main():
    a = arguments()
    if a.device == "cuda" and not torch.cuda.is_available():
        sys.exit("there is no GPU that PyTorch can use; --device cpu tries the script without one")
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    say(**about(a.device))
    for name in chosen(a.jobs):
        for mode in [None] if name.startswith("ceilings") else a.modes:
            attempt(name, mode, a)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--jobs", type=names, required=True, metavar="NAME,...", help=", ".join(JOBS))
    p.add_argument("--modes", type=modes, default=MODES[:4], metavar="MODE,...", help=", ".join(MODES))
    p.add_argument("--seconds", type=float, default=3, help="of timed steps, for each measurement")
    p.add_argument("--images", type=int, default=50_000, help="the lesson's, a tenth of them for validation")
    p.add_argument("--epochs", type=int, default=3, help="the lesson's")
    p.add_argument("--units", type=int, default=512, help="of the first dense layer of vgg32's head")
    p.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    return p.parse_args()


def names(text):
    asked = text.split(",")
    for name in asked:
        if not chosen([name]):
            raise argparse.ArgumentTypeError(f"unknown job `{name}`; there are {', '.join(JOBS)}")
    return asked


def modes(text):
    asked = text.split(",")
    for mode in asked:
        if mode not in MODES:
            raise argparse.ArgumentTypeError(f"unknown mode `{mode}`; there are {', '.join(MODES)}")
    return asked


def chosen(asked):
    """The jobs that are named, or that continue a name after `/` or `-`, in the order asked for."""
    return list(dict.fromkeys(
        name for start in asked for name in JOBS if name == start or name.startswith((f"{start}/", f"{start}-"))
    ))


def attempt(name, mode, a):
    """Runs one job in one mode; what it raises is printed, and no more."""
    job = {"job": name.split("/")[0], "mode": mode}
    print(f"{name} {mode or ''}", file=sys.stderr, flush=True)
    try:
        reset(a.device)
        with caches(mode):
            say(**job, **JOBS[name](mode, a))
    except Exception as e:
        traceback.print_exc()
        say(**job, name=name, error=f"{type(e).__name__}: {e}"[:500])


def reset(device):
    """Forgets what was compiled, and frees the memory of the job before."""
    torch._dynamo.reset()
    gc.collect()
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    torch.manual_seed(0)


def caches(mode):
    """Caches of their own for what one job compiles, so that none finds the work of the mode before."""
    if mode in (None, "eager"):
        return contextlib.nullcontext()
    from torch._inductor.utils import fresh_cache

    return fresh_cache(dir=CACHE)


def about(device):
    gpu = torch.cuda.get_device_name() if device == "cuda" else "none: on the CPU"
    return {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "gpu": gpu}


def say(**what):
    print(json.dumps(what, default=str), flush=True)


def short(value):
    return float(f"{value:.5g}")


# Models


class Classifier(nn.Module):
    """A frozen part, which keeps no gradients and infers, before a part that trains."""

    def __init__(self, frozen, trained):
        super().__init__()
        self.frozen, self.trained = frozen.requires_grad_(False), trained

    def train(self, mode=True):
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            x = self.frozen(x)
        return self.trained(x)


def vgg32(a, frozen=0):
    """VGG-16's convolutions, the first `frozen` blocks of five frozen, and the lesson's head."""
    blocks, channels = [], 3
    for convolutions, width in BLOCKS:
        layers = []
        for _ in range(convolutions):
            layers += [convolution(channels, width), nn.ReLU(inplace=True)]
            channels = width
        blocks.append(nn.Sequential(*layers, nn.MaxPool2d(2)))
    return Classifier(nn.Sequential(*blocks[:frozen]), nn.Sequential(*blocks[frozen:], *head(channels, a.units)))


def convolution(channels, width):
    layer = nn.Conv2d(channels, width, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


def head(features, units):
    dense = [nn.Linear(features, units), nn.ReLU(inplace=True), nn.BatchNorm1d(units)]
    return [nn.Flatten(), *dense, nn.Dropout(0.5), nn.Linear(units, CLASSES)]


def from_timm(a, name):
    import timm

    return timm.create_model(name, num_classes=CLASSES)


def placed(model, device):
    return model.to(device, memory_format=torch.channels_last).train()


def adam(model, rate):
    return torch.optim.Adam([w for w in model.parameters() if w.requires_grad], lr=rate, fused=True)


def compiled(function, mode):
    return function if mode == "eager" else torch.compile(function, mode=mode, dynamic=False)


def begin_step(mode):
    """CUDA graphs may now reuse the memory of what they gave in the step before."""
    if mode in GRAPHS:
        torch.compiler.cudagraph_mark_step_begin()


# Training steps


def training(mode, a, build, size, precision, batch):
    """The rate of training steps on random images."""
    step = training_step(placed(build(a), a.device), inputs(a.device, batch, size), precision, mode)
    first = seconds_of(a.device, lambda: [step() for _ in range(3)])
    times = block_times(a.device, step, a.seconds)
    rates = spread([batch / t for t in times])
    return {
        "precision": precision,
        "batch": batch,
        "images_per_second": rates["median"],
        "min": rates["min"],
        "max": rates["max"],
        "ms_per_step": short(1e3 * statistics.median(times)),
        "compile_seconds": short(first),
        "blocks": len(times),
    }


def training_step(model, batches, precision, mode):
    """A function that trains on the next of `batches`, in rotation."""
    device = batches[0][0].device

    def loss_of(x, y):
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return F.cross_entropy(model(x), y)

    forward, optimizer = compiled(loss_of, mode), adam(model, 1e-4)
    turns, total = itertools.cycle(batches), torch.zeros((), device=device)

    def step():
        x, y = next(turns)
        begin_step(mode)
        optimizer.zero_grad(set_to_none=True)
        loss = forward(x, y)
        loss.backward()
        optimizer.step()
        total.add_(loss.detach())

    return step


def inputs(device, batch, size):
    """Four batches of random images, scaled from bytes, and of labels."""
    return [(scaled(x), y) for x, y in (pictures(device, batch, size) for _ in range(4))]


def pictures(device, count, size):
    """Random bytes as images, channels last, and random labels."""
    x = torch.randint(256, (count, size, size, 3), dtype=torch.uint8, device=device)
    return x, torch.randint(CLASSES, (count,), device=device)


def scaled(x):
    """From bytes, channels last, to numbers from 0 to 1 in PyTorch's order of dimensions; memory stays as it was."""
    return x.permute(0, 3, 1, 2).float().div(255)


# Timing


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_of(device, work):
    synchronize(device)
    started = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - started


def block_times(device, step, seconds):
    """Seconds a step of each block of steps, 50 where a twentieth of the time allows; warms up first."""
    for _ in range(10):
        step()
    each = seconds_of(device, lambda: [step() for _ in range(5)]) / 5
    count = max(5, min(50, int(seconds / 20 / each)))
    times, ends = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < ends:
        times.append(seconds_of(device, lambda: [step() for _ in range(count)]) / count)
    return times


def spread(values):
    return {"median": short(statistics.median(values)), "min": short(min(values)), "max": short(max(values))}


# The lesson


class Lesson:
    """A model that learns as the lesson's does, and the sums of its losses and hits, which stay on the GPU."""

    def __init__(self, mode, a, batch=32):
        self.mode, self.batch, self.device = mode, batch, a.device
        self.model = placed(vgg32(a, frozen=4), a.device)
        self.optimizer = adam(self.model, 1e-3)
        self.compiled = compiled(self.judged, mode)

    def judged(self, x, y):
        """The mean loss of a batch, and its hits."""
        logits = self.model(scaled(x))
        return F.cross_entropy(logits, y), (logits.argmax(1) == y).sum()

    def forward(self, x, y, whole):
        begin_step(self.mode)
        return (self.compiled if len(y) == whole else self.judged)(x, y)

    def epoch(self, x, y):
        """Trains on every image once; gives the mean loss and the accuracy meanwhile."""
        self.model.train()
        sums = self.sums()
        order = torch.randperm(len(y), device=self.device)
        for x, y in zip(x[order].split(self.batch), y[order].split(self.batch)):
            self.optimizer.zero_grad(set_to_none=True)
            loss, hits = self.forward(x, y, self.batch)
            loss.backward()
            self.optimizer.step()
            add(sums, loss, hits, y)
        return means(sums, order)

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        sums, all_of_them = self.sums(), y
        for x, y in zip(x.split(EVALUATED), y.split(EVALUATED)):
            loss, hits = self.forward(x, y, EVALUATED)
            add(sums, loss, hits, y)
        return means(sums, all_of_them)

    def sums(self):
        return torch.zeros((), device=self.device), torch.zeros((), dtype=torch.int64, device=self.device)


def add(sums, loss, hits, y):
    sums[0].add_(loss.detach(), alpha=len(y))
    sums[1].add_(hits)


def means(sums, images):
    return [float(total) / max(1, len(images)) for total in sums]


def lesson(mode, a):
    job, (x, y), test = Lesson(mode, a), pictures(a.device, a.images, 32), pictures(a.device, TESTED, 32)
    held = a.images // 10
    train, valid = (x[: a.images - held], y[: a.images - held]), (x[a.images - held :], y[a.images - held :])
    compile_seconds = seconds_of(a.device, lambda: first_batches(job, train, valid, test))
    epochs, found = [], []
    for _ in range(a.epochs):
        epochs.append(seconds_of(a.device, lambda: found.append(job.epoch(*train) + job.evaluate(*valid))))
    test_seconds = seconds_of(a.device, lambda: found.append(job.evaluate(*test)))
    return {
        "precision": "tf32",
        "batch": job.batch,
        "images": a.images,
        "epochs": a.epochs,
        "seconds_per_epoch": short(statistics.median(epochs)) if epochs else None,
        "min": short(min(epochs, default=0)),
        "max": short(max(epochs, default=0)),
        "seconds_test": short(test_seconds),
        "seconds_total": short(sum(epochs) + test_seconds),
        "compile_seconds": short(compile_seconds),
        "last_loss": short(found[-2][0]) if epochs else None,
        "test_accuracy": short(found[-1][1]),
    }


def first_batches(job, train, valid, test):
    """A few batches of every size that the lesson meets; the weights move by that much, which no time depends on."""
    few = 10 * job.batch + len(train[1]) % job.batch
    job.epoch(*(part[:few] for part in train))
    job.evaluate(*(part[: 3 * EVALUATED] for part in test))
    if rest := len(valid[1]) % EVALUATED:
        job.evaluate(*(part[-rest:] for part in valid))


# What the GPU can do at most


def copy_ceiling(mode, a):
    source = torch.randint(256, (COPIED,), dtype=torch.uint8, device=a.device)
    target = torch.empty_like(source)
    times = block_times(a.device, lambda: target.copy_(source), a.seconds)
    rates = spread([2 * COPIED / 1e9 / t for t in times])
    return {"what": "copy", "bytes": COPIED, "gigabytes_per_second": rates}


def product_ceiling(mode, a, precision):
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(SIDE, SIDE, dtype=dtype, device=a.device) for _ in range(2))
    product = torch.empty_like(left)
    times = block_times(a.device, lambda: torch.mm(left, right, out=product), a.seconds)
    rates = spread([2 * SIDE**3 / 1e12 / t for t in times])
    return {"what": "product", "precision": precision, "side": SIDE, "tflops": rates}


def steps(build, size, precision, batch):
    return functools.partial(training, build=build, size=size, precision=precision, batch=batch)


JOBS = {
    "vgg32/tf32/32": steps(vgg32, 32, "tf32", 32),
    "vgg32/tf32/512": steps(vgg32, 32, "tf32", 512),
    "vgg32/bf16/32": steps(vgg32, 32, "bf16", 32),
    "vgg32/bf16/512": steps(vgg32, 32, "bf16", 512),
    "resnet50": steps(functools.partial(from_timm, name="resnet50"), 224, "bf16", 64),
    "vit_s": steps(functools.partial(from_timm, name="vit_small_patch16_224"), 224, "bf16", 64),
    "frozen-block4": steps(functools.partial(vgg32, frozen=4), 32, "tf32", 32),
    "frozen-all": steps(functools.partial(vgg32, frozen=5), 32, "tf32", 32),
    "lesson": lesson,
    "ceilings/copy": copy_ceiling,
    "ceilings/bf16": functools.partial(product_ceiling, precision="bf16"),
    "ceilings/tf32": functools.partial(product_ceiling, precision="tf32"),
}

if __name__ == "__main__":
    main()
