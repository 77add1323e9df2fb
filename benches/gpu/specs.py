"""Writes the specs that `measure.sh` times, and photos for those at 224×224: `specs.py FOLDER CIFAR10`."""
import pathlib
import random
import sys

LESSON_HEAD = """
[[head]]
layer = "flatten"
[[head]]
layer = "dense"
units = 256
activation = "relu"
[[head]]
layer = "batch_normalization"
[[head]]
layer = "dropout"
rate = 0.5
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
"""
POOL_HEAD = """
[[head]]
layer = "pool"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
"""


# 20 batches of 64.
PHOTOS = 1280


def write_photos(folder):
    """Photos of 224×224 in ten classes: smooth noise, since neither time nor memory depends on what they show."""
    from PIL import Image

    random.seed(1)
    for i in range(PHOTOS):
        place = folder / f"class{i % 10}"
        place.mkdir(parents=True, exist_ok=True)
        noise = Image.frombytes("RGB", (14, 14), random.randbytes(14 * 14 * 3))
        noise.resize((224, 224), Image.BICUBIC).save(place / f"{i}.jpg", quality=90)


def spec(name, cifar10, *, photos=False, arch="vgg16", size=32, through="none", precision, batch, images, epochs, head=LESSON_HEAD,
         validation=0.0, rate=1e-4):
    dataset = f"""name = "cifar10"
path = "{cifar10}"
train_limit = {images}
test_limit = {10000 if validation else 64}"""
    if photos:
        dataset = 'name = "image_folder"\npath = "photos"'
    return f"""name = "{name}"
[dataset]
{dataset}
validation_split = {validation}
[backbone]
arch = "{arch}"
weights = "random"
input_size = {size}
[freeze]
through = "{through}"
{head}
[optimizer]
name = "adam"
learning_rate = {rate}
[training]
device = "cuda:0"
precision = "{precision}"
epochs = {epochs}
batch_size = {batch}
"""


def main(folder, cifar10):
    jobs = {}
    for precision in ("f32", "tf32", "bf16"):
        for batch, images in ((32, 16000), (512, 49664)):
            jobs[f"vgg32-{precision}-{batch}"] = dict(precision=precision, batch=batch, images=images, epochs=3)
    for arch in ("resnet50", "vit_small_patch16_224"):
        jobs[f"{arch}-bf16-64"] = dict(photos=True, arch=arch, size=224, precision="bf16", batch=64, images=PHOTOS,
                                       epochs=8, head=POOL_HEAD)
    frozen = dict(through="block4_pool", precision="tf32", batch=32, rate=1e-3)
    jobs["frozen-block4"] = dict(frozen, images=32000, epochs=3)
    jobs["lesson"] = dict(frozen, images=50000, epochs=30, validation=0.1)
    write_photos(pathlib.Path(folder, "photos"))
    for name, job in jobs.items():
        pathlib.Path(folder, f"{name}.toml").write_text(spec(name, cifar10, **job))


if __name__ == "__main__":
    main(*sys.argv[1:])
