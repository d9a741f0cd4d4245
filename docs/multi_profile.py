#!/usr/bin/env python3
"""A multi-profile network of incomplete dot products in PyTorch: what `idp train --recipe nested --widths ten
--parts 0-20,20-40,40-100` does, for readers who know PyTorch. docs/training.md explains it step by step.

Usage: multi_profile.py FOLDER [--epochs N] [--seed N] [--hidden N] [--json]
FOLDER holds the four IDX files of MNIST (or of another set), plain or .gz.
"""

import argparse
import gzip
import json
import os

import torch
from torch import nn
from torch.nn import functional

PARTS = [(0, 20), (20, 40), (40, 100)]  # percent of the channels; one profile and one stage each
PERCENTAGES = [5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


def read_idx(folder, name):
    path = os.path.join(folder, name)
    with (open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")) as file:
        data = file.read()
    shape = [int.from_bytes(data[4 * d:4 * d + 4], "big") for d in range(1, data[3] + 1)]
    return torch.frombuffer(bytearray(data[4 + 4 * len(shape):]), dtype=torch.uint8).reshape(shape)


def read_set(folder, part):
    images = read_idx(folder, part + "-images-idx3-ubyte").flatten(1).float() / 255
    return images, read_idx(folder, part + "-labels-idx1-ubyte").long()


class Nested(nn.Module):
    """Both hidden layers are shared by the profiles and cut to the same k channels; each profile has a last layer."""

    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.hidden = hidden
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.ModuleList(nn.Linear(hidden, classes) for _ in PARTS)
        for layer in [self.first, self.second, *self.last]:
            nn.init.normal_(layer.weight, std=layer.in_features ** -0.5)
            nn.init.zeros_(layer.bias)
        self.gamma = 1 - torch.arange(hidden) / hidden  # the linear profile, over all channels in every stage

    def forward(self, x, profile, k):
        for layer, columns in (self.first, x.shape[1]), (self.second, k):
            x = functional.linear(x, layer.weight[:k, :columns], layer.bias[:k])
            x = self.gamma[:k] * functional.relu(x)
        return functional.linear(x, self.last[profile].weight[:, :k], self.last[profile].bias)


def train_stage(net, stage, images, labels, epochs, lr=0.05, momentum=0.9, batch=128):
    begin, end = (net.hidden * percent // 100 for percent in PARTS[stage])
    widths = sorted({max(begin + 1, round(begin + (end - begin) * i / 10)) for i in range(1, 11)})
    shared = [net.first.weight, net.first.bias, net.second.weight, net.second.bias]
    # A new optimizer in every stage: no velocity is left of what is frozen now.
    optimizer = torch.optim.SGD([*shared, *net.last[stage].parameters()], lr, momentum)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [epochs * 5 // 6], gamma=0.5)
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch):
            x, y = images[chosen], labels[chosen]
            loss = sum(functional.cross_entropy(net(x, stage, k), y) for k in widths) / len(widths)
            optimizer.zero_grad()
            loss.backward()
            for parameter in shared:
                parameter.grad[:begin] = 0  # rows of earlier stages are frozen; columns from `end` on had no gradient
            optimizer.step()
        schedule.step()


@torch.no_grad()
def accuracy(net, profile, percent, images, labels):
    guess = net(images, profile, net.hidden * percent // 100).argmax(1)
    return 100 * (guess == labels).double().mean().item()


def profile_of(percent):
    return max(p for p, (begin, _) in enumerate(PARTS) if begin < percent)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print {percent: accuracy}")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    images, labels = read_set(options.folder, "train")
    test_images, test_labels = read_set(options.folder, "t10k")
    net = Nested(images.shape[1], options.hidden, int(labels.max()) + 1)
    for stage in range(len(PARTS)):
        train_stage(net, stage, images, labels, options.epochs)
    found = {p: accuracy(net, profile_of(p), p, test_images, test_labels) for p in PERCENTAGES}
    if options.json:
        print(json.dumps(found))
    else:
        for percent, value in found.items():
            print(f"{percent:3d} %  profile {profile_of(percent)}  {value:6.2f} %")


if __name__ == "__main__":
    main()
