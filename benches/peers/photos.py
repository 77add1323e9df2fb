"""Photos in PyTorch with timm's EfficientNet-Lite0: photos.py WEIGHTS.safetensors FOLDER [--freeze MODULE] [--seed N].

The job of experiments/photos.toml without dropout and early stopping: timm's preprocessing, everything through MODULE
frozen (its batch norms too), a new classifier, Adam, batches of 16. FOLDER has train/CLASS/* and val/CLASS/*. Prints a
JSON line per epoch.
"""
import argparse
import json
from pathlib import Path

import timm
import torch
from PIL import Image, UnidentifiedImageError
from safetensors.torch import load_file

p = argparse.ArgumentParser()
p.add_argument("weights")
p.add_argument("folder", type=Path)
p.add_argument("--freeze", default="all")
p.add_argument("--epochs", type=int, default=10)
p.add_argument("--rate", type=float, default=1e-3)
p.add_argument("--seed", type=int, default=0)
p.add_argument("--threads", type=int, default=2)
a = p.parse_args()
torch.manual_seed(a.seed)
torch.set_num_threads(a.threads)


def photos(part, prepare):
    """The photos that are JPEG or PNG, as the runner reads them."""
    images, labels = [], []
    for label, of_class in enumerate(sorted(f for f in (a.folder / part).iterdir() if f.is_dir())):
        for path in sorted(of_class.iterdir()):
            try:
                image = Image.open(path, formats=["JPEG", "PNG"]).convert("RGB")
            except UnidentifiedImageError:
                continue
            images.append(prepare(image))
            labels.append(label)
    return torch.stack(images), torch.tensor(labels)


def frozen_modules(model):
    """The modules as far as `--freeze`, in the order in which the network goes through them."""
    chain = [("conv_stem", model.conv_stem), ("bn1", model.bn1)]
    chain += [(f"blocks.{i}", block) for i, block in enumerate(model.blocks)]
    chain += [("conv_head", model.conv_head), ("bn2", model.bn2)]
    names = [name for name, _ in chain]
    last = len(names) if a.freeze == "all" else names.index(a.freeze) + 1
    return [module for _, module in chain[:last]]


def accuracy(model, x, y):
    model.eval()
    with torch.inference_mode():
        hits = [(model(x).argmax(1) == y).sum() for x, y in zip(x.split(32), y.split(32))]
    return float(sum(hits)) / len(y)


model = timm.create_model("tf_efficientnet_lite0", num_classes=2)
state = load_file(a.weights)
model.load_state_dict({k: v for k, v in state.items() if not k.startswith("classifier.")}, strict=False)
# Keras's initial values, as the runner's.
torch.nn.init.xavier_uniform_(model.classifier.weight)
torch.nn.init.zeros_(model.classifier.bias)
prepare = timm.data.create_transform(**timm.data.resolve_data_config({}, model=model))
x, y = photos("train", prepare)
vx, vy = photos("val", prepare)
frozen = frozen_modules(model)
for module in frozen:
    module.requires_grad_(False)
optimizer = torch.optim.Adam([w for w in model.parameters() if w.requires_grad], lr=a.rate, eps=1e-7)
for epoch in range(a.epochs):
    model.train()
    for module in frozen:
        module.eval()
    losses = []
    for batch in torch.randperm(len(y)).split(16):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()) * len(batch))
    print(json.dumps({"epoch": epoch + 1, "loss": sum(losses) / len(y), "val_accuracy": accuracy(model, vx, vy)}), flush=True)
