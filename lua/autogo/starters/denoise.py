"""Train @MODULE@.py to remove noise: 2000 epochs, batch 128, patches of 128 pixels, L1, Adam with a rate
from 1e-3 to 1e-6 that falls linearly (a polynomial of degree 1).

    python3 @SCRIPT@ DATA [--epochs N] [--sigma S] [--device cuda] [--new]

DATA has the folders train and val of clean images, to which Gaussian noise is added. Needs Pillow. The
weights beside the module are the start unless --new is given; the results go to @MODULE@.trained.pt.
"""
import argparse
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from @MODULE@ import INPUTS, WEIGHTS, Model

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("data", nargs="?", help="folder with train and val")
parser.add_argument("--epochs", type=int, default=2000)
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--patch", type=int, default=128, help="in pixels")
parser.add_argument("--sigma", type=float, default=25, help="of the noise, of 255")
parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
parser.add_argument("--new", action="store_true", help="begin with new weights")
parser.add_argument("--smoke", action="store_true", help="two steps on random data")

FIRST, LAST = 1e-3, 1e-6
CHANNELS = INPUTS[0][1]


def read(folder):
    """All images of a folder as bytes (C, H, W)."""
    import numpy
    from PIL import Image

    mode = "L" if CHANNELS == 1 else "RGB"
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".png", ".jpg"))
    arrays = [numpy.array(Image.open(path).convert(mode)) for path in files]
    return [torch.from_numpy(a).reshape(*a.shape[:2], -1).permute(2, 0, 1) for a in arrays]


def pairs(images, args):
    """A batch of noisy patches and the clean ones they come from."""
    clean = []
    for image in random.choices(images, k=args.batch):
        top, left = (random.randrange(extent - args.patch + 1) for extent in image.shape[1:])
        patch = image[:, top : top + args.patch, left : left + args.patch].float() / 255
        clean.append(patch.flip(2) if random.random() < 0.5 else patch)
    clean = torch.stack(clean).to(args.device)
    return clean + torch.randn_like(clean) * args.sigma / 255, clean


def main(args):
    if args.smoke:
        args.epochs, args.batch, args.patch, steps = 1, 2, 32, 2
        train = test = [torch.randint(0, 256, (CHANNELS, 40, 40), dtype=torch.uint8) for _ in range(4)]
    elif args.data:
        train, test = read(Path(args.data, "train")), read(Path(args.data, "val"))
        steps = max(1, len(train) // args.batch)
    else:
        parser.error("DATA is missing; --smoke runs without")
    model = Model() if args.new or not WEIGHTS.exists() else Model.load()
    model = model.to(args.device)
    optimiser = torch.optim.Adam(model.parameters(), lr=FIRST)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda epoch: (LAST + (FIRST - LAST) * (1 - epoch / args.epochs)) / FIRST
    )
    for epoch in range(args.epochs):
        model.train()
        for _ in range(steps):
            noisy, clean = pairs(train, args)
            loss = F.l1_loss(model(noisy), clean)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            noisy, clean = pairs(test, args)
            psnr = -10 * F.mse_loss(model(noisy).clamp(0, 1), clean).log10().item()
        print(f"epoch {epoch + 1}: loss {loss.item():.5f}, PSNR {psnr:.2f} dB", flush=True)
        if not args.smoke:
            torch.save(model.state_dict(), "@MODULE@.trained.pt")


if __name__ == "__main__":
    main(parser.parse_args())
