#!/usr/bin/python3
"""The page in Chromium beside `sluice put`, and what it weighs: `./dev bench page`.

Interleaved rounds: in each the same file by put, by the page, and by Chromium alone to a server that throws it away,
which is the most that any page could reach. Then the first view: how much is loaded, and how long until it can be used.
Exit code 1: the first view is over its budget.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "rig"))

import machine
import network
from chromium import Chromium
from place import Place
from rounds import say
from server import Server
from sizes import size

_ROOT = Path(__file__).resolve().parents[2]
_HERE = Path(__file__).resolve().parent
FIRST_LOAD_BYTES_MAX = 150_000
FIRST_VIEW_S_MAX = 1.0

# Seconds from the choice of the file until the page says that it has arrived, and until it was compared.
_UPLOADED = """new Promise((done) => {
  const began = performance.now()
  let arrived = 0
  const look = () => {
    if (!arrived && document.querySelector('.tray header.good')) arrived = performance.now() - began
    const ended = document.querySelector('.tray li[data-state=arrived] .digest')
    if (ended) done([arrived / 1000, (performance.now() - began) / 1000])
    else setTimeout(look, 5)
  }
  look()
})"""
_USABLE = """new Promise((done) => {
  const look = () => document.querySelector('.item') && document.querySelector('[data-pick=files]')
    ? requestAnimationFrame(() => done(performance.now() / 1000))
    : requestAnimationFrame(look)
  look()
})"""
_LOADED = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .filter((each) => /^\\/($|assets)/.test(new URL(each.name).pathname)).reduce((sum, each) => sum + each.transferSize, 0)"""


def main() -> int:
    options = parse_options()
    alone = network.enter_own_namespace() or network.set_congestion("cubic")
    if alone:
        say(f"the network stays the host's: {alone}")
    with Place(options.work, options.build, options.size, 0) as place:
        facts = machine.describe(place.file_system(), network.congestion_in_use())
        say(f"making {place.size_bytes / 1e9:.2f} GB in {place.work}")
        place.make_content()
        say(", ".join(f"{name}: {value}" for name, value in facts.items()))
        if options.runs:
            compare_uploads(place, options)
        return 0 if first_view(place, options) else 1


def sluice(place: Place) -> Server:
    return Server(place, [f"{place.build}/sluice", "serve", str(place.site), "--listen=127.0.0.1:0", "--public=write"])


def compare_uploads(place: Place, options):
    subjects = {
        "sluice put": by_put,
        "the page": by_page,
        "Chromium alone, whole": by_chromium_alone("'whole', 1"),
        "Chromium alone, slices, 3 lines": by_chromium_alone("64, 3"),
    }
    seen = {name: [] for name in subjects}
    for number in range(options.runs + 1):  # the first one is not counted
        for name, upload in subjects.items():
            place.make_ready(place.file)
            machine.touch_free_memory(2 * place.size_bytes)
            figures = [place.size_bytes / 1e9 / seconds for seconds in upload(place, options.chromium)]
            say(f"{number}/{options.runs}: {name}: {' / '.join(f'{each:.3f}' for each in figures)} GB/s")
            if number:
                seen[name].append(figures)
    print(f"| upload of {place.size_bytes / (1 << 30):.3g} GiB | GB/s | of put | range | compared, too |\n|---|---|---|---|---|")
    put = [each[0] for each in seen["sluice put"]]
    for name, rounds in seen.items():
        safe = [each[0] for each in rounds]
        share = statistics.median(mine / theirs for mine, theirs in zip(safe, put, strict=True))
        compared = f"{statistics.median(each[1] for each in rounds):.2f}" if len(rounds[0]) > 1 else ""
        print(f"| {name} | {statistics.median(safe):.2f} | {share:.2f} | {min(safe):.2f} to {max(safe):.2f} | {compared} |", flush=True)


def by_put(place: Place, _: str) -> list[float]:
    with sluice(place) as server:
        began = time.monotonic()
        subprocess.run([f"{place.build}/sluice", "put", "-q", place.file, f"sluice://127.0.0.1:{server.port}/up/"], check=True)
        taken = [time.monotonic() - began]
    check(place)
    return taken


def by_page(place: Place, program: str) -> list[float]:
    with sluice(place) as server, Chromium(program) as browser:
        browser.open(f"http://127.0.0.1:{server.port}/view/up")
        browser.run(_until("document.querySelector('[data-pick=files]')"))
        browser.choose("[data-pick=files]", place.file)
        taken = browser.run(_UPLOADED)
    check(place)
    return taken


def by_chromium_alone(how: str):
    def upload(place: Place, program: str) -> list[float]:
        with Server(place, [sys.executable, str(_HERE / "sink.py")]) as server, Chromium(program) as browser:
            browser.open(f"http://127.0.0.1:{server.port}/")
            browser.run(_until("document.querySelector('input')"))
            browser.choose("input", place.file)
            return [browser.run(f"upload({how})")]

    return upload


def _until(true: str) -> str:
    return f"new Promise((done) => {{ const look = () => {true} ? done() : setTimeout(look, 5); look() }})"


def check(place: Place):
    wrong = place.difference_of_file(place.up / place.file.name, whole=False)
    if wrong:
        sys.exit(wrong)


def first_view(place: Place, options) -> bool:
    """Each time by a browser that was never here. Whether it is within the budget."""
    usable, loaded = [], 0
    with sluice(place) as server:
        for _ in range(5):
            with Chromium(options.chromium) as browser:
                browser.open(f"http://127.0.0.1:{server.port}/")
                usable.append(browser.run(_USABLE))
                loaded = browser.run(_LOADED)
    middle = statistics.median(usable)
    print(f"\nfirst view: {loaded:,} bytes loaded, usable within {middle:.2f} s ({min(usable):.2f} to {max(usable):.2f})")
    return 0 < loaded <= FIRST_LOAD_BYTES_MAX and middle <= FIRST_VIEW_S_MAX


def parse_options():
    parser = argparse.ArgumentParser(description="the page in Chromium beside sluice put")
    parser.add_argument("--size", type=size, default=4 << 30, help="of the file (default 4GiB)")
    parser.add_argument("--runs", type=int, default=5, help="rounds of uploads (default 5; 0: the first view alone)")
    parser.add_argument("--work", default=tempfile.gettempdir(), help="folder for the content, on a real disk")
    parser.add_argument("--build", type=Path, default=_ROOT / "build/release", help="default build/release")
    parser.add_argument("--chromium", default="chromium", help="the browser's program")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
