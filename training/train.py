"""Trains one of the embedded networks: `python -m training.train --data FOLDER --wild FOLDER --places FOLDER --out runs/lite`,
and with `--network garments` the other.

The encoder begins with what it has learnt elsewhere and learns at a fraction of the others' rate. The clock is the schedule,
so that the same command fits a laptop or a server: learning rate (one cosine) and picture size (half, three quarters, whole)
follow the share of the time that has passed. Small pictures first: most of what there is to learn does not need detail, and
they cost a quarter (Tan and Le, "EfficientNetV2", arXiv 2104.00298, section 4). Training goes on from the last checkpoint in
`--out` where there is one. What is kept is an exponential moving average of the weights.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from training.courses import COURSES, Course
from training.encoder import ARCHITECTURES
from training.imagenet import load_imagenet
from training.mixture import Mixture, read_mixture
from training.movenet import load_movenet
from training.network import count_parameters
from training.targets import Batch, loss, make_batch

HELD_OUT = 63
PICTURE_PIXELS = 448 * 256


class Clock:
    """Share of the training time that has passed, also across restarts and in the loader's processes."""

    def __init__(self, minutes: float, elapsed: float = 0.0) -> None:
        self.seconds = minutes * 60
        self.start = time.time() - elapsed

    @property
    def elapsed(self) -> float:
        return time.time() - self.start

    @property
    def progress(self) -> float:
        return min(self.elapsed / self.seconds, 1.0)


class Batches(IterableDataset):
    """Endless batches, the pictures of one of equal shape, smaller ones early in the schedule; `pictures` of whole size, or
    more that are smaller.
    """

    def __init__(self, mixture: Mixture, course: Course, clock: Clock, pictures: int) -> None:
        self.mixture = mixture
        self.course = course
        self.clock = clock
        self.pictures = pictures

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(0)
        rng = np.random.default_rng([os.getpid(), time.time_ns()])
        while True:
            scale = next(scale for until, scale in self.course.phases if self.clock.progress <= until)
            shape = self.course.shapes[rng.integers(len(self.course.shapes))]
            size = tuple(max(int(side * scale) // 32 * 32, 64) for side in shape)
            count = max(4, round(self.pictures * PICTURE_PIXELS / (size[0] * size[1]) / (1 + (scale == 0.5))))
            # close-ups and scenes in one batch, so that batch statistics are those that both will meet in use
            yield make_batch([self.mixture.make(rng, size) for _ in range(count)], rng)


class Optimizers:
    """Muon for the inner matrices and filters of what begins from nothing, AdamW for everything else, the encoder at a lower
    rate.

    Muon makes the steps of a matrix orthogonal, so that all its directions learn at one pace (Jordan et al., "Muon", 2024);
    its step size is matched to AdamW's, so that one learning rate serves both. PyTorch's Muon takes matrices only: a filter
    is handed to it as a matrix that shares its memory, a row for each output channel.
    """

    def __init__(self, network: nn.Module, rate: float, encoder_share: float, decay: float = 0.03) -> None:
        outer = ("encoder", "classes", "presence", "parts_head", "person_head.1", "position")
        learnt = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        inner = [p for name, p in learnt if p.ndim > 1 and not any(part in name for part in outer)]
        chosen = {id(parameter) for parameter in inner}
        self._pairs = [(parameter, nn.Parameter(_as_matrix(parameter.detach()))) for parameter in inner]
        for parameter, matrix in self._pairs:  # a copy would be trained instead of the network, unnoticed
            assert parameter.data_ptr() == matrix.data_ptr(), "filters must be channels-last in memory"
        others = [(name, p) for name, p in learnt if id(p) not in chosen]
        groups = []
        for matrices in (True, False):
            own = [p for name, p in others if not name.startswith("encoder") and (p.ndim > 1) == matrices]
            groups.append({"params": own, "weight_decay": decay * matrices, "share": 1.0})
        for name, p in others:
            if name.startswith("encoder"):
                share = encoder_share * p.detach().square().mean().sqrt().item()
                groups.append({"params": [p], "weight_decay": 0.0, "share": share})
        self.all = (
            torch.optim.AdamW(groups, rate, betas=(0.9, 0.98), fused=True),
            torch.optim.Muon([matrix for _, matrix in self._pairs], rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        )

    def step(self, rate: float) -> None:
        """One step at a learning rate."""
        for parameter, matrix in self._pairs:
            matrix.grad = _as_matrix(parameter.grad)
        for optimizer in self.all:
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("share", 1.0)
            optimizer.step()


def _as_matrix(tensor: Tensor) -> Tensor:
    return tensor.permute(0, 2, 3, 1).flatten(1) if tensor.ndim == 4 else tensor


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, step: int) -> None:
    """Exponential moving average of weights and batch statistics; it follows faster in the beginning."""
    decay = min(0.998, (1 + step) / (10 + step))
    kept = [value for value in average.state_dict().values() if value.dtype.is_floating_point]
    new = [value for value in network.state_dict().values() if value.dtype.is_floating_point]
    torch._foreach_lerp_(kept, new, 1 - decay)


def learning_rate(peak: float, progress: float) -> float:
    """Warm-up over the first hundredth, then a cosine down to a hundredth of the peak."""
    warm = min(progress / 0.01, 1.0)
    return peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def train(options: argparse.Namespace) -> None:
    """Runs the schedule; writes `checkpoint.pt` into the output folder every five minutes and at the end."""
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    device = torch.device(options.device)
    course = COURSES[options.network]
    mixture = read_mixture(options, options.held_out, course.shares)
    network = course.network(options.variant)
    network.encoder.freeze()
    if options.keep_presence:
        network.keep_presence()
    network.to(device, memory_format=torch.channels_last)
    optimizers = Optimizers(network, options.rate, course.encoder_share)
    checkpoint, step, elapsed = options.out / "checkpoint.pt", 0, 0.0
    start = checkpoint if checkpoint.exists() else options.start
    if start:
        state = torch.load(start, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        if "optimizers" in state:  # an exported model has none
            for optimizer, kept in zip(optimizers.all, state["optimizers"], strict=True):
                optimizer.load_state_dict(kept)
        if start == checkpoint:
            step, elapsed = state["step"], state["elapsed"]
    elif options.variant == "movenet":
        load_movenet(network.encoder, options.movenet)
    else:
        load_imagenet(network.encoder, options.variant)
    average = copy.deepcopy(network).eval()
    if start:
        average.load_state_dict(state["average"])
    clock = Clock(options.minutes, elapsed)
    print(f"{mixture}, {count_parameters(network) / 1e6:.2f} M parameters", flush=True)
    batches = DataLoader(
        Batches(mixture, course, clock, options.pictures), batch_size=None, num_workers=options.workers, prefetch_factor=3
    )

    def save() -> None:
        state = {
            "network": network.state_dict(),
            "average": average.state_dict(),
            "variant": options.variant,
            "optimizers": [optimizer.state_dict() for optimizer in optimizers.all],
        }
        temporary = checkpoint.with_suffix(".tmp")
        torch.save({**state, "step": step, "elapsed": clock.elapsed}, temporary)
        temporary.replace(checkpoint)

    options.out.mkdir(parents=True, exist_ok=True)
    seen, sums, saved, reported = 0, {}, time.time(), time.time()
    for batch in batches:
        if clock.progress >= 1:
            break
        batch = batch.to(device)
        with torch.autocast(device.type, torch.bfloat16):
            outputs = network(batch.pixels)
        losses = loss(outputs, batch)
        network.zero_grad()
        losses["total"].backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizers.step(learning_rate(options.rate, clock.progress))
        step += 1
        update_average(average, network, step)
        seen += len(batch.pixels)
        sums = {name: sums.get(name, 0.0) + value.detach() for name, value in losses.items()}
        if step % 50 == 0:
            means = " ".join(f"{name} {float(value) / 50:.3f}" for name, value in sums.items())
            speed = seen / (time.time() - reported)
            print(f"step {step} {clock.progress:.3f} {tuple(batch.pixels.shape)} {speed:.1f} pictures/s {means}", flush=True)
            seen, sums, reported = 0, {}, time.time()
        if time.time() - saved > 300:
            save()
            saved = time.time()
    save()


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `train` asks for, except for `data` and `held_out`."""
    add_data_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--start", type=Path, help="checkpoint to begin from; without one, only the encoder has learnt before")
    parser.add_argument("--movenet", type=Path, help="movenet-multipose.json, from which that encoder begins")
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--workers", type=int, default=1, help="processes that make pictures; a graphics card needs all cores")
    parser.add_argument("--pictures", type=int, default=12, help="of whole size in a batch; 96 suit a graphics card")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Adds the folders of `training.mixture` besides `data`."""
    parser.add_argument("--extra", type=Path, nargs="*", default=[], help="further folders, used whole (pseudo-labels, say)")
    parser.add_argument("--wild", type=Path, nargs="*", default=[], help="folders of training.worn: people anywhere")
    parser.add_argument("--places", type=Path, nargs="*", default=[], help="folders of photos without people")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders in the CIHP layout; some photos of each are held out"
    )
    add_training_options(parser)
    parser.add_argument("--network", choices=COURSES, default="parts")
    parser.add_argument("--keep-presence", action="store_true", help="train only what says where classes are, not whether")
    parser.add_argument("--variant", choices=ARCHITECTURES, help="of the encoder; movenet for parts, lite2 for garments")
    parser.set_defaults(held_out=HELD_OUT)
    options = parser.parse_args()
    options.variant = options.variant or COURSES[options.network].variant
    if options.variant == "movenet" and not (options.movenet or options.start):
        parser.error("give --movenet, the file of the weights that the encoder begins with, or --start")
    train(options)


if __name__ == "__main__":
    main()
