"""The lesson's job in PyTorch, channels last: the same work as keras_job.py."""
import job

a = job.arguments()
import torch
import torchvision
from torch import nn

import images


def prepared(part, limit):
    x, y = images.load(a.data, part, limit)
    x = torch.tensor(x).permute(0, 3, 1, 2).float().div_(255)
    return x.contiguous(memory_format=torch.channels_last), torch.tensor(y)


def lesson():
    backbone = torchvision.models.vgg16(weights=None).features
    counted = [layer for layer in backbone if not isinstance(layer, nn.ReLU)]
    for layer in counted[: max(0, a.freeze - 1)]:
        layer.requires_grad_(False)
    head = [nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.BatchNorm1d(256), nn.Dropout(0.5), nn.Linear(256, 10)]
    return nn.Sequential(backbone, *head).to(memory_format=torch.channels_last)


def evaluate(model, x, y):
    """The mean loss and the share of hits, as Keras's `evaluate` gives them."""
    model.eval()
    loss_of = nn.CrossEntropyLoss(reduction="sum")
    loss = hits = 0.0
    with torch.inference_mode():
        for x, y in zip(x.split(256), y.split(256)):
            logits = model(x)
            loss += float(loss_of(logits, y))
            hits += int((logits.argmax(1) == y).sum())
    return loss, hits


def train():
    x, y = prepared("train", a.limit)
    split = int(a.limit * 0.9)
    model = lesson()
    optimizer = torch.optim.Adam([w for w in model.parameters() if w.requires_grad], lr=1e-3)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(a.epochs):
        started = job.clock()
        model.train()
        for batch in torch.randperm(split).split(32):
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(x[batch]), y[batch]).backward()
            optimizer.step()
        evaluate(model, x[split:], y[split:])
        job.say(epoch=epoch + 1, **job.since(started))


def infer():
    x, y = prepared("test", a.inference)
    model = lesson()
    evaluate(model, x, y)
    started = job.clock()
    evaluate(model, x, y)
    job.say(inference=a.inference, **job.since(started))


job.say(version=f"PyTorch {torch.__version__}")
torch.set_num_threads(a.threads)
torch.manual_seed(a.seed)
infer() if a.inference else train()
