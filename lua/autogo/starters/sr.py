"""Train @MODULE@.py for super-resolution: DIV2K, 1000 epochs, batch 16, patches of 64 (FSRCNN: --patch
48) pixels, L1, Adam 1e-4, cosine.

    python3 @SCRIPT@ DATA [--epochs N] [--patch N] [--device cuda] [--new]

DATA has the folders train and val of large images; small ones are made by bicubic reduction. Needs Pillow.
A network of the backbone alone (as many channels in as out, more than three) gets a first and a last
layer that enlarge twice; one that enlarges is trained as it is (on brightness if it reads one channel).
"""
import argparse
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from @MODULE@ import INPUTS, WEIGHTS, Model

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("data", nargs="?", help="folder with train and val")
parser.add_argument("--epochs", type=int, default=1000)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--patch", type=int, default=64, help="of the small image, in pixels")
parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
parser.add_argument("--new", action="store_true", help="begin with new weights")
parser.add_argument("--smoke", action="store_true", help="two steps on random data")
CHANNELS = 1 if INPUTS[0][1] == 1 else 3


class Network(torch.nn.Module):
    """The module, with what a backbone lacks."""

    def __init__(self, inner):
        super().__init__()
        width = INPUTS[0][1]
        self.inner, self.head, self.tail = inner, torch.nn.Identity(), torch.nn.Identity()
        if width > 3:
            self.head = torch.nn.Conv2d(3, width, 3, padding=1)
            self.tail = torch.nn.Sequential(torch.nn.Conv2d(width, 12, 3, padding=1), torch.nn.PixelShuffle(2))
        with torch.no_grad():
            self.scale = self.eval()(torch.zeros(1, CHANNELS, 16, 16)).shape[2] // 16

    def forward(self, x):
        return self.tail(self.inner(self.head(x)))


def read(folder):
    """All images of a folder as bytes (C, H, W)."""
    import numpy
    from PIL import Image

    mode = "L" if CHANNELS == 1 else "RGB"
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".png", ".jpg"))
    arrays = [numpy.array(Image.open(path).convert(mode)) for path in files]
    return [torch.from_numpy(a).reshape(*a.shape[:2], CHANNELS).permute(2, 0, 1) for a in arrays]


def pairs(images, scale, args):
    """A batch of small patches and the large ones they come from."""
    size, large = scale * args.patch, []
    for image in random.choices(images, k=args.batch):
        top, left = (random.randrange(extent - size + 1) for extent in image.shape[1:])
        patch = image[:, top : top + size, left : left + size].float() / 255
        large.append(patch.flip(2) if random.random() < 0.5 else patch)
    large = torch.stack(large).to(args.device)
    small = F.interpolate(large, size=args.patch, mode="bicubic", antialias=True)
    return small.clamp(0, 1), large


def main(args):
    if args.smoke:
        args.epochs, args.batch, args.patch, steps = 1, 2, 12, 2
        train = test = [torch.randint(0, 256, (CHANNELS, 40, 40), dtype=torch.uint8) for _ in range(4)]
    elif args.data:
        train, test, steps = read(Path(args.data, "train")), read(Path(args.data, "val")), 1000
    else:
        parser.error("DATA is missing; --smoke runs without")
    model = Network(Model() if args.new or not WEIGHTS.exists() else Model.load()).to(args.device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.epochs)
    for epoch in range(args.epochs):
        model.train()
        for _ in range(steps):
            small, large = pairs(train, model.scale, args)
            loss = F.l1_loss(model(small), large)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            small, large = pairs(test, model.scale, args)
            psnr = -10 * F.mse_loss(model(small).clamp(0, 1), large).log10().item()
        print(f"epoch {epoch + 1}: loss {loss.item():.5f}, PSNR {psnr:.2f} dB", flush=True)
        if not args.smoke:
            torch.save(model.state_dict(), "@MODULE@.trained.pt")


if __name__ == "__main__":
    main(parser.parse_args())
