"""Lists a folder of class folders and trains a head for one epoch on what a frozen SqueezeNet makes of its images, as
torchvision and PyTorch have it: `ImageFolder`, two loader processes.

    folder_job.py FOLDER SIDE
"""
import sys
import time

import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import squeezenet1_1


def main(folder, side):
    begun = time.perf_counter()
    transform = transforms.Compose([transforms.Resize((side, side)), transforms.ToTensor()])
    dataset = ImageFolder(folder, transform)
    listed = time.perf_counter() - begun
    loader = DataLoader(dataset, batch_size=32, shuffle=True, num_workers=2)
    features = squeezenet1_1(weights=None).features.eval().requires_grad_(False)
    head = torch.nn.Linear(512, len(dataset.classes))
    optimizer = torch.optim.Adam(head.parameters())
    begun = time.perf_counter()
    for images, labels in loader:
        with torch.inference_mode():
            pooled = features(images).mean((2, 3))
        loss = torch.nn.functional.cross_entropy(head(pooled.clone()), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"listed {len(dataset)} images in {listed:.2f} s, epoch {time.perf_counter() - begun:.2f} s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
