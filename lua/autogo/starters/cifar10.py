"""Train @MODULE@.py on CIFAR-10: 200 epochs, batch 256, RMSProp 1e-3 with momentum 0.9, cosine.

    python3 @SCRIPT@ DATA [--epochs N] [--batch N] [--device cuda] [--new]

DATA is the folder with the files of "CIFAR-10 python version" (data_batch_1, ..., test_batch). The weights
beside the module are the start unless --new is given; the best epoch's go to @MODULE@.trained.pt.
"""
import argparse
import pickle
from pathlib import Path

import torch
import torch.nn.functional as F
from @MODULE@ import INPUTS, WEIGHTS, Model

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("data", nargs="?", help="folder of CIFAR-10")
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--batch", type=int, default=256)
parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
parser.add_argument("--new", action="store_true", help="begin with new weights")
parser.add_argument("--smoke", action="store_true", help="two steps on random data")

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).reshape(1, 3, 1, 1)
DEVIATION = torch.tensor([0.2470, 0.2435, 0.2616]).reshape(1, 3, 1, 1)


def read(folder, names):
    """Images (N, 3, 32, 32), normalised, and labels."""
    images, labels = [], []
    for name in names:
        with open(Path(folder, name), "rb") as file:
            part = pickle.load(file, encoding="bytes")
        images.append(torch.from_numpy(part[b"data"]).reshape(-1, 3, 32, 32))
        labels += part[b"labels"]
    return (torch.cat(images).float() / 255 - MEAN) / DEVIATION, torch.tensor(labels)


def augment(images):
    """Mirrored at random, and moved by up to four pixels."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    images = F.pad(torch.where(mirrored, images.flip(3), images), (4, 4, 4, 4))
    top, left = torch.randint(0, 9, (2,)).tolist()
    return images[:, :, top : top + 32, left : left + 32]


def accuracy(model, images, labels, args):
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in zip(images.split(args.batch), labels.split(args.batch)):
            right += (model(x.to(args.device)).flatten(1).argmax(1).cpu() == y).sum().item()
    return 100 * right / len(labels)


def main(args):
    if args.smoke:
        args.epochs, args.batch = 1, 4
        images, labels = torch.randn(8, *INPUTS[0][1:]), torch.randint(0, 10, (8,))
        test = images, labels
    elif args.data:
        images, labels = read(args.data, [f"data_batch_{k}" for k in range(1, 6)])
        test = read(args.data, ["test_batch"])
    else:
        parser.error("DATA is missing; --smoke runs without")
    model = Model() if args.new or not WEIGHTS.exists() else Model.load()
    model = model.to(args.device)
    optimiser = torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.epochs)
    best = 0
    for epoch in range(args.epochs):
        model.train()
        for part in torch.randperm(len(images)).split(args.batch):
            x = images[part].to(args.device)
            x = x if args.smoke else augment(x)
            loss = F.cross_entropy(model(x).flatten(1), labels[part].to(args.device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        score = accuracy(model, *test, args)
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, test accuracy {score:.2f} %", flush=True)
        if score >= best and not args.smoke:
            best = score
            torch.save(model.state_dict(), "@MODULE@.trained.pt")


if __name__ == "__main__":
    main(parser.parse_args())
