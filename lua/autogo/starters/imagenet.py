"""Train @MODULE@.py on ImageNet: 200 epochs (VGG: --epochs 100), batch 1024, SGD 0.1 with momentum 0.9,
cosine, weight decay 1e-4, gradients clipped at 5, label smoothing 0.1.

    python3 @SCRIPT@ DATA [--epochs N] [--batch N] [--workers N] [--device cuda] [--new]

DATA has the folders train and val with one folder of images per class. Needs torchvision. The weights
beside the module are the start unless --new is given; the best epoch's go to @MODULE@.trained.pt.
"""
import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from @MODULE@ import INPUTS, WEIGHTS, Model

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("data", nargs="?", help="folder with train and val")
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--batch", type=int, default=1024)
parser.add_argument("--workers", type=int, default=8, help="processes that read images")
parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
parser.add_argument("--new", action="store_true", help="begin with new weights")
parser.add_argument("--smoke", action="store_true", help="two steps on random data")


def loader(folder, train, args):
    """Batches of normalised images and labels."""
    from torchvision import datasets, transforms

    size = INPUTS[0][2]
    steps = [transforms.Resize(size * 256 // 224), transforms.CenterCrop(size)]
    if train:
        steps = [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()]
    steps.append(transforms.ToTensor())
    steps.append(transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    images = datasets.ImageFolder(Path(folder, "train" if train else "val"), transforms.Compose(steps))
    return torch.utils.data.DataLoader(
        images, args.batch, shuffle=train, num_workers=args.workers, pin_memory=True, drop_last=train
    )


def accuracy(model, batches, args):
    """Top 1 and top 5, in per cent."""
    model.eval()
    right, total = torch.zeros(2), 0
    with torch.no_grad():
        for x, y in batches:
            ranked = model(x.to(args.device)).flatten(1).topk(5).indices.cpu() == y[:, None]
            right += torch.tensor([ranked[:, 0].sum(), ranked.sum()])
            total += len(y)
    return (100 * right / total).tolist()


def main(args):
    if args.smoke:
        args.epochs = 1
        train = test = [(torch.randn(2, *INPUTS[0][1:]), torch.randint(0, 10, (2,))) for _ in range(2)]
    elif args.data:
        train, test = loader(args.data, True, args), loader(args.data, False, args)
    else:
        parser.error("DATA is missing; --smoke runs without")
    model = Model() if args.new or not WEIGHTS.exists() else Model.load()
    model = model.to(args.device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.epochs)
    best = 0
    for epoch in range(args.epochs):
        model.train()
        for x, y in train:
            logits = model(x.to(args.device)).flatten(1)
            loss = F.cross_entropy(logits, y.to(args.device), label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
            optimiser.step()
        schedule.step()
        top1, top5 = accuracy(model, test, args)
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, top 1/5 {top1:.2f}/{top5:.2f} %", flush=True)
        if top1 >= best and not args.smoke:
            best = top1
            torch.save(model.state_dict(), "@MODULE@.trained.pt")


if __name__ == "__main__":
    main(parser.parse_args())
