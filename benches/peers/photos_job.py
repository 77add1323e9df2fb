"""A head on frozen features of photos in PyTorch, for the clock: photos_job.py well|usual WEIGHTS.safetensors FOLDER.

timm's EfficientNet-Lite0 with its own preprocessing, two loader processes, channels last, Adam, batches of 16. `well`:
the frozen part goes once over the photos, and the head is trained on what it gave. `usual`: every epoch decodes the photos
and carries them through the network, as tutorials do. FOLDER has train/CLASS/* and val/CLASS/*; the validation photos are
predicted after each epoch. Prints the last accuracy.
"""
import argparse

import timm
import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader, TensorDataset
from torchvision.datasets import ImageFolder

LOADERS = 2


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("way", choices=["well", "usual"])
    p.add_argument("weights")
    p.add_argument("folder")
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--threads", type=int, default=2)
    return p.parse_args()


def loaders(a, model):
    prepare = timm.data.create_transform(**timm.data.resolve_data_config({}, model=model))
    parts = [ImageFolder(f"{a.folder}/{part}", prepare) for part in ("train", "val")]
    return [DataLoader(part, 16, shuffle=i == 0, num_workers=LOADERS) for i, part in enumerate(parts)]


@torch.inference_mode()
def features(model, loader):
    found = [(model.forward_head(model.forward_features(x.to(memory_format=torch.channels_last)), pre_logits=True), y)
             for x, y in loader]
    return torch.cat([x for x, _ in found]).clone(), torch.cat([y for _, y in found])


def epoch(forward, optimizer, loader):
    for x, y in loader:
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(forward(x), y).backward()
        optimizer.step()


@torch.inference_mode()
def accuracy(forward, loader):
    hits = [(forward(x).argmax(1) == y).float() for x, y in loader]
    return float(torch.cat(hits).mean())


def main():
    a = arguments()
    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    model = timm.create_model("tf_efficientnet_lite0", num_classes=2)
    state = load_file(a.weights)
    model.load_state_dict({k: v for k, v in state.items() if not k.startswith("classifier.")}, strict=False)
    model = model.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    model.classifier.requires_grad_(True)
    train, validation = loaders(a, model)
    forward = lambda x: model(x.to(memory_format=torch.channels_last))
    if a.way == "well":
        train, validation = [TensorDataset(*features(model, loader)) for loader in (train, validation)]
        train, validation = DataLoader(train, 16, shuffle=True), DataLoader(validation, 16)
        forward = model.classifier
    optimizer = torch.optim.Adam(model.classifier.parameters(), lr=1e-3, eps=1e-7)
    for _ in range(a.epochs):
        epoch(forward, optimizer, train)
        last = accuracy(forward, validation)
    print(f"{last:.4f}")


if __name__ == "__main__":
    main()
