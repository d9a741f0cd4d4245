"""The training epoch of `idp epoch` in PyTorch, on one thread: an epoch for every line of input, its seconds as a line
of output. The time does not depend on what is in the images: they are random."""

import sys
import time

import torch

IMAGES, BATCH = int(sys.argv[1]), 128
torch.set_num_threads(1)
torch.manual_seed(1)
pixels = torch.randint(0, 256, (IMAGES, int(sys.argv[2])), dtype=torch.uint8)
labels = torch.randint(0, 10, (IMAGES,))
net = torch.nn.Sequential(
    torch.nn.Linear(pixels.shape[1], 100), torch.nn.ReLU(), torch.nn.Linear(100, 100), torch.nn.ReLU(),
    torch.nn.Linear(100, 10))
loss_of = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
images = pixels.float() / 255  # once: not in the time
print("ready", torch.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    order = torch.randperm(IMAGES)
    for first in range(0, IMAGES, BATCH):
        batch = order[first:first + BATCH]
        optimizer.zero_grad()
        loss_of(net(images[batch]), labels[batch]).backward()
        optimizer.step()
    print(time.perf_counter() - start, flush=True)
