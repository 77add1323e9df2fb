"""What is done in a measured process, and what came of it."""
from dataclasses import dataclass, field

from .process import Done

# Freeze boundaries by the name of their last layer, as Keras counts them: layers[:N].
DEPTHS = {"none": 0, "block2_pool": 7, "block3_pool": 11, "block4_pool": 15, "all": 19}


@dataclass(frozen=True)
class Job:
    """The lesson (VGG-16 at 32×32, a dense head, Adam, batch 32) on CIFAR-10's first `limit` training images.

    The last tenth of them validates. With `inference`, so many test images are classified instead. `options` are
    more of runner's `--set`.
    """

    freeze: int = 15
    limit: int = 5000
    epochs: int = 2
    seed: int = 0
    inference: int = 0
    options: tuple = ()


@dataclass
class Result:
    """`epochs` are seconds, validation included; `inference` is images per second.

    `cpu_seconds` are all threads' processor time in the same stretches, where the side tells it.
    """

    process: Done
    epochs: list = field(default_factory=list)
    cpu_seconds: list = field(default_factory=list)
    inference: float | None = None
