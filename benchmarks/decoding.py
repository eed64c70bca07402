"""What it costs to decode a photo in a process of its own: `python -m benchmarks.decoding [--rounds 100]`.

Both ways take turns on the same JPEG. On a busy machine only the least says what it costs; the rest is waiting for a core.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import parsing
from benchmarks.speed import jpeg
from parsing.web.server.decoder import Decoder

SIZES = ((512, 512), (1920, 1080), (4000, 3000))


def main() -> None:
    """Prints one line for each size."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=100)
    rounds = options.parse_args().rounds
    decoder = Decoder()
    ways = {"here": parsing.open_image, "apart": decoder}
    for width, height in SIZES:
        photo = jpeg((width, height))
        np.testing.assert_array_equal(decoder(photo), parsing.open_image(photo))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                way(photo)
                times[name].append((time.perf_counter() - start) * 1000)
        for statistic in (statistics.median, min):
            here, apart = (statistic(measured) for measured in times.values())
            print(f"{width}x{height}, {statistic.__name__}: here {here:.1f}, apart {apart:.1f}: {apart - here:+.1f} ms")
    decoder.close()


if __name__ == "__main__":
    main()
