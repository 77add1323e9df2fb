#!/usr/bin/env python3
"""Checks that `runner explain` shows what PyTorch computes: Grad-CAM and attention roll-out of timm's models with the same
weights, on photos.

usage: python3 tests/explained.py RUNNER WEIGHTS.safetensors PHOTO… FOLDER

WEIGHTS are timm's of tf_efficientnet_lite0; those of a ViT are drawn. Writes to FOLDER. Needs torch, torchvision, timm,
safetensors and Pillow. Ends with 1 and a message at the first difference.
"""

import json
import subprocess
import sys
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

# Of the largest value.
TOLERANCE = 1e-4

SPEC = """
[backbone]
arch = "{arch}"
weights = {weights}
include_top = true
input_size = 224
[normalization]
scheme = "imagenet"
[resize]
method = "crop"
crop = 0.875
"""


def grad_cam(model, x, c):
    """The last map, each channel by the mean of the logit's gradient over its places."""
    f = model.forward_features(x).detach().requires_grad_()
    (g,) = torch.autograd.grad(model.forward_head(f)[0, c], f)
    return torch.relu((g.mean((2, 3), keepdim=True) * f).sum(1))[0].detach()


def roll_out(model, x, _):
    """The class token's row of the product of (mean attention + identity), rows divided by their sums."""
    result, kept = None, []
    hook = lambda module, inputs, output: kept.append(output)
    hooks = [block.attn.qkv.register_forward_hook(hook) for block in model.blocks]
    model(x)
    for hook in hooks:
        hook.remove()
    for block, qkv in zip(model.blocks, kept):
        n, t, _ = qkv.shape
        q, k, v = qkv.reshape(n, t, 3, block.attn.num_heads, -1).permute(2, 0, 3, 1, 4)
        a = (q @ k.transpose(-2, -1) * block.attn.scale).softmax(-1).mean(1)[0]
        a = a + torch.eye(t, dtype=a.dtype)
        a = a / a.sum(-1, keepdim=True)
        result = a if result is None else a @ result
    return result[0, 1:].reshape(int((t - 1) ** 0.5), -1).detach()


def asked(runner, spec, photo, folder, *more):
    command = [runner, "explain", spec, photo, "-o", folder, "--format", "json", *more]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    (image,) = json.loads(done.stdout)["images"]
    heat = image["heat"]
    values = torch.tensor(heat["values"], dtype=torch.float64)
    return image, values.reshape(heat["height"], heat["width"])


def compared(runner, arch, model, weights, photos, folder, by):
    spec = folder / f"{arch}.toml"
    spec.write_text(SPEC.format(arch=arch, weights=json.dumps(str(weights.resolve()))))
    model = model.double().eval()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    for photo in photos:
        seen = Compose([Resize(256, InterpolationMode.BILINEAR), CenterCrop(224)])
        image = seen(Image.open(photo).convert("RGB"))
        x = torch.tensor(list(image.tobytes()), dtype=torch.float64).reshape(1, 224, 224, 3)
        x = (x.permute(0, 3, 1, 2) / 255 - mean) / std
        logits = model(x)[0].detach()
        found, heat = asked(runner, spec, photo, folder / "pictures")
        probability = logits.softmax(0).max().item()
        if abs(found["probability"] - probability) > 1e-4:
            sys.exit(f"{arch}, {photo}: probability {found['probability']}, not {probability}")
        expected = by(model, x, logits.argmax().item())
        off = ((heat - expected).abs().max() / expected.max()).item()
        print(f"{arch}, {photo.name}: {found['class']} {probability:.4f}, {tuple(heat.shape)}, off by {off:.1e} of the most")
        if not off < TOLERANCE:
            sys.exit(f"{arch}, {photo}: {heat}, not {expected}")


def main():
    runner, weights, *photos, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    model = timm.create_model("tf_efficientnet_lite0")
    model.load_state_dict(load_file(weights))
    compared(runner.resolve(), "tf_efficientnet_lite0", model, weights, photos, folder, grad_cam)
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224")
    with torch.no_grad():
        # So that attention is far from even.
        for block in model.blocks:
            block.attn.qkv.weight.mul_(8)
    drawn = folder / "vit.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, drawn)
    compared(runner.resolve(), "vit_tiny_patch16_224", model, drawn, photos, folder, roll_out)
    print("all as PyTorch has it")


if __name__ == "__main__":
    main()
