"""Runs clang-tidy over the sources in which it did not yet find nothing (`./dev lint`).

A source is told by what it consists of: its text, that of our headers that it reaches, how it is compiled, the checks,
and the version of clang-tidy. What passed has a file of that name in build/lint/tidy, so that the next run is quick.
Headers of the system are not looked at: whoever changes them removes that folder.
"""

import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "lint"
PASSED = BUILD / "tidy"
PROGRAM = "clang-tidy-19"
INCLUDE = re.compile(rb'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
LEFT_OUT = re.compile(r".*_test\.cc|fuzz/.*")


def sources():
    listed = subprocess.run(["git", "ls-files", "*.cc"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.splitlines() if not LEFT_OUT.fullmatch(name)]


def included(name, by):
    """Our file of that name; None: it is the system's. What protoc makes is told by what it is made from."""
    name = re.sub(r"\.pb\.h$", ".proto", name)
    for folder in (by.parent, ROOT / "src", ROOT / "include", ROOT):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


@functools.cache
def look_into(path):
    """The digest of a file of ours, and the files of ours that it includes, whatever is defined."""
    text = path.read_bytes()
    names = (name.decode() for name in INCLUDE.findall(text))
    return hashlib.sha256(text).digest(), [file for file in (included(name, path) for name in names) if file]


def reached(source):
    """The source and all of our headers that it includes."""
    found, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += look_into(path)[1]
    return sorted(found)


def commands():
    """How each source is compiled, whatever folder all of it lies in."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    return {pathlib.Path(each["file"]): each["command"].replace(str(ROOT), ".") for each in entries}


def key_of(source, command, common):
    key = hashlib.sha256(common + command.encode())
    for path in reached(source):
        key.update(str(path.relative_to(ROOT)).encode() + b"\0" + look_into(path)[0])
    return key.hexdigest()


def check(source, key, options):
    """What it found, as text; nothing: it passed."""
    done = subprocess.run([PROGRAM, "--quiet", "-p", BUILD, "--warnings-as-errors=*", *options, source],
                          cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        (PASSED / key).touch()
        return ""
    return done.stdout + done.stderr


def main(options):
    version = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + "\0".join(options).encode()
    PASSED.mkdir(exist_ok=True)
    compiled = commands()
    keys = {source: key_of(source, compiled.get(source, ""), common) for source in sources()}
    left = [source for source, key in keys.items() if not (PASSED / key).exists()]
    print(f"{len(left)} of {len(keys)} files to look at", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(check, source, keys[source], options): source for source in left}
        for number, done in enumerate(concurrent.futures.as_completed(running), 1):
            found = done.result()
            failed += bool(found)
            print(f"[{number}/{len(left)}] {running[done].relative_to(ROOT)}\n{found}", end="", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
