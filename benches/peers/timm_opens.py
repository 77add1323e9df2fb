"""Models that runner trained, opened in timm: timm_opens.py RUNNER FOLDER [ARCH …]

For every architecture: one epoch on a few photos of FOLDER (train/CLASS/*.jpg), nothing frozen; then what a user of timm
does with the run's model.safetensors:

    model = timm.create_model(arch, num_classes=N)
    model.load_state_dict(load_file("model.safetensors"), strict=True)

and a photo's probabilities by timm's own transform against those of `runner predict`. Ends with 1 where tensors do not
fit or a probability is more than 1e-4 away. Needs timm, torch and safetensors; with one architecture of each family it
takes two minutes on two cores.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from timm.data import create_transform, resolve_data_config

ARCHITECTURES = [
    "resnet18", "resnet50", "mobilenetv2_100", "mobilenetv3_small_100", "efficientnet_b0", "tf_efficientnet_lite0",
    "convnext_tiny", "vit_tiny_patch16_224", "vit_small_patch14_dinov2", "densenet121", "regnety_008",
]
SPEC = """
[dataset]
name = "image_folder"
path = "photos"
validation_split = 0.2
[backbone]
arch = "{arch}"
weights = "random"
input_size = {size}
[resize]
method = "pretrained"
[normalization]
scheme = "pretrained"
[[head]]
layer = "pool"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[optimizer]
name = "sgd"
learning_rate = 0.01
[training]
epochs = 1
batch_size = 4
"""


def trained(runner, folder, arch, size, work):
    """The folder of a run on eight photos of each class."""
    for group in (folder / "train").iterdir():
        (work / "photos" / group.name).mkdir(parents=True)
        for photo in sorted(group.glob("*.jpg"))[:8]:
            (work / "photos" / group.name / photo.name).symlink_to(photo)
    (work / "spec.toml").write_text(SPEC.format(arch=arch, size=size))
    subprocess.run([runner, "-q", "spec.toml"], cwd=work, check=True)
    (run,) = (work / "results/spec/runs").iterdir()
    return run


def said(runner, run, photo):
    """What runner says of a photo: probabilities by class."""
    out = subprocess.run([runner, "predict", run, photo, "--format", "json"], check=True, capture_output=True).stdout
    (image,) = json.loads(out)["images"]
    return {p["class"]: p["probability"] for p in image["predictions"]}


def opened(arch, size, path, classes):
    resize = {"img_size": size} if arch.startswith(("vit", "deit")) else {}
    model = timm.create_model(arch, num_classes=classes, **resize)
    model.load_state_dict(load_file(path), strict=True)
    return model.eval()


def distance(runner, folder, arch, photo):
    """How far apart the probabilities of a photo are."""
    size = 224
    with tempfile.TemporaryDirectory() as work:
        run = trained(runner, folder, arch, size, Path(work))
        path = run / "model.safetensors"
        with safe_open(path, "pt") as file:
            classes = json.loads(file.metadata()["classes"])
        model = opened(arch, size, path, len(classes))
        config = resolve_data_config({"input_size": (3, size, size)}, model=model)
        pixels = create_transform(**config)(Image.open(photo).convert("RGB"))
        with torch.inference_mode():
            theirs = model(pixels[None]).softmax(1)[0].tolist()
        ours = said(runner, run, photo)
        print(f"{arch:28}", ", ".join(f"{c}: runner {ours[c]:.6f}, timm {p:.6f}" for c, p in zip(classes, theirs)))
        return max(abs(ours[c] - p) for c, p in zip(classes, theirs))


def main():
    runner, folder, *architectures = sys.argv[1:]
    runner, folder = Path(runner).resolve(), Path(folder).resolve()
    torch.set_num_threads(2)
    photo = sorted((folder / "train").rglob("*.jpg"))[-1]
    far = {arch: distance(runner, folder, arch, photo) for arch in architectures or ARCHITECTURES}
    worst = max(far, key=far.get)
    print(f"the largest distance: {far[worst]:.1e} ({worst})")
    return 0 if far[worst] <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
