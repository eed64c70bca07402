"""Files that the app opens for strangers: `python -m tools.prove_opened [--requests 300]`. Linux, with strace.

`python app.py --model lite` runs under strace. Once it answers, every kind of abuse in `tools.abuse` is tried in turn, and each
file that is opened meanwhile is counted by where it lies: the app's own folder, its temporary folder, Python and the system's
libraries. Exit status 1 where any lies elsewhere.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from tools.abuse import ABUSES, ROOT

from support.program import run_app  # isort: skip, `tools.abuse` says where it is

OPENED = re.compile(r'open(?:at2?)?\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)".* = (-?\d+)')
SYSTEM = ("/usr/", "/lib/", "/lib64/", "/etc/ld.so", "/etc/mime.types", "/etc/hosts", "/etc/resolv.conf", "/etc/localtime")
KERNEL = ("/proc/self/", "/proc/cpuinfo", "/proc/meminfo", "/proc/sys/", "/sys/", "/dev/null", "/dev/urandom", "/dev/shm/")


def place_of(path: str, temporary: str) -> str:
    """Where a file lies, in words; empty where the app has no business there."""
    python = {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)}
    places = {
        "the app's own folder": (str(ROOT) + "/",),
        "its temporary folder": (temporary,),
        "Python and system libraries": (*(folder + "/" for folder in python), *SYSTEM),
        "the kernel's": KERNEL,
    }
    return next((name for name, beginnings in places.items() if (path + "/").startswith(beginnings)), "")


def main() -> int:
    """Prints one table; gives 1 where something else was opened."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--requests", type=int, default=300)
    chosen = options.parse_args()
    if shutil.which("strace") is None:
        raise SystemExit("strace is missing; Debian's package has that name.")
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        traced = ["strace", "-f", "-y", "-qq", "-e", "trace=open,openat,openat2", "-o", str(trace), sys.executable, "app.py"]
        answers: Counter[str] = Counter()
        with run_app(command=traced) as app:
            time.sleep(20)  # the first example is parsed, and what is loaded late is loaded
            started = trace.stat().st_size
            dice = random.Random(1)
            for number in range(chosen.requests):
                name, abuse = list(ABUSES.items())[number % len(ABUSES)]
                try:
                    answers[f"{name}: {abuse(app.address, dice)}"] += 1
                except httpx.HTTPError as error:
                    answers[f"{name}: {type(error).__name__}"] += 1
            with trace.open(errors="replace") as lines:
                lines.seek(started)
                found = [match.groups() for line in lines if (match := OPENED.search(line))]
            temporary = str(app.folder)
    opened = [os.path.normpath(os.path.join(base or str(ROOT), path)) for base, path, _ in found]
    places = Counter(place_of(path, temporary) or "elsewhere" for path in opened)
    elsewhere = sorted({path for path in opened if not place_of(path, temporary)})
    print(f"{chosen.requests} requests, {len(opened)} files opened or looked for")
    for what, count in [*sorted(answers.items()), *places.most_common()]:
        print(f"  {what}: {count}")
    print("\n".join(["elsewhere:", *elsewhere]) if elsewhere else "nothing elsewhere")
    return int(bool(elsewhere))


if __name__ == "__main__":
    sys.exit(main())
