"""The lesson's job in PyTorch, channels last: the same work as keras_lesson.py."""
import time

import job

a = job.arguments()
import torch
import torchvision
from torch import nn

import images

torch.set_num_threads(a.threads)


def prepared(part, limit):
    x, y = images.load(a.data, part, limit)
    x = torch.tensor(x).permute(0, 3, 1, 2).float().div_(255)
    return x.contiguous(memory_format=torch.channels_last), torch.tensor(y)


def hits(x, y, batches):
    model.eval()
    with torch.inference_mode():
        return sum(int((model(x[i : i + 256]).argmax(1) == y[i : i + 256]).sum()) for i in batches)


x, y = prepared("train", a.limit)
split = int(a.limit * 0.9)
backbone = torchvision.models.vgg16(weights=None).features
counted = [layer for layer in backbone if not isinstance(layer, nn.ReLU)]
for layer in counted[: max(0, a.freeze - 1)]:
    layer.requires_grad_(False)
head = [nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.BatchNorm1d(256), nn.Dropout(0.5), nn.Linear(256, 10)]
model = nn.Sequential(backbone, *head).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam([w for w in model.parameters() if w.requires_grad])
loss_of = nn.CrossEntropyLoss()
for epoch in range(a.epochs):
    started = time.time()
    model.train()
    for batch in torch.randperm(split).split(32):
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(x[batch]), y[batch]).backward()
        optimizer.step()
    hits(x, y, range(split, a.limit, 256))
    job.say(epoch=epoch + 1, images_per_second=split / (time.time() - started))
if a.evaluate:
    x, y = prepared("test", a.evaluate)
    hits(x, y, range(0, 256, 256))
    started = time.time()
    hits(x, y, range(0, a.evaluate, 256))
    job.say(evaluated_per_second=a.evaluate / (time.time() - started))
job.say_end()
