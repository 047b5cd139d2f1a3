"""The proof of the proofs: takes each sync, each directory sync, each fence, each digest check and each promise about
access out of the product, one at a time, and shows that a test fails.

It works on a copy of the tree with a build folder of its own, which the next run goes on with. Each
line of its output says CAUGHT, by which suite, or MISSED; it exits 1 where one is missed, 2 where it
could not be tried.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from prove.mutation_list import MUTATIONS  # noqa: E402

GTEST = ["--gtest_fail_fast", "--gtest_brief=1"]
PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-x"]
# name -> (program to build, command in the copy)
SUITES = {
    "crash": ("crash_tests", ["build/release/src/transfer/crash_tests", *GTEST]),
    "transfer": ("transfer_tests", ["build/release/src/transfer/transfer_tests", *GTEST]),
    "store": ("store_tests", ["build/release/src/store/store_tests", *GTEST]),
    "catalog": ("catalog_tests", ["build/release/src/catalog/catalog_tests", *GTEST]),
    "power": ("sluice", [*PYTEST, "tests/prove/test_power_loss.py"]),
    "power_of_client": ("sluice", [*PYTEST, "tests/prove/test_power_loss_of_a_client.py"]),
    "kills": ("sluice", [*PYTEST, "tests/prove/test_kills.py"]),
    "races": ("sluice", [*PYTEST, "tests/prove/test_races.py", "-k", "sixteen"]),
    "links": ("sluice", [*PYTEST, "tests/prove/test_links.py"]),
    "corruption": ("sluice", [*PYTEST, "tests/product/test_corruption.py"]),
    "base": ("base_tests", ["build/release/src/base/base_tests", *GTEST]),
    "access": ("access_tests", ["build/release/src/access/access_tests", *GTEST]),
    "matrix": ("sluice", [*PYTEST, *(f"tests/access/test_matrix{of}.py" for of in ("", "_live", "_native"))]),
    "people": ("sluice", [*PYTEST, "tests/access/test_access.py"]),
    "administration": ("sluice", [*PYTEST, "tests/access/test_administration.py"]),
    "shares": ("sluice", [*PYTEST, "tests/access/test_links.py"]),
    "limits": ("sluice", [*PYTEST, "tests/access/test_limits.py"]),
    "record": ("sluice", [*PYTEST, "tests/access/test_audit.py"]),
    "clients": ("sluice", [*PYTEST, "tests/access/test_cli.py"]),
    "confinement": ("sluice", [*PYTEST, "tests/product/test_confinement.py"]),
    "browsers": ("sluice", [*PYTEST, "tests/http/test_connections.py", "tests/http/test_files_get.py", "tests/http/test_files_put.py",
                            "tests/http/test_live.py", "tests/browser/test_delivery.py"]),
    "tls": ("sluice", [*PYTEST, "tests/tls/test_client.py", "tests/tls/test_server.py"]),
}
SUITE_S = 300  # one that hangs has failed, too


class Trouble(Exception):
    """What keeps a mutation from being tried."""


class Copy:
    """The tree that is mutated."""

    def __init__(self, folder):
        self.folder = folder

    def bring_up_to_date(self):
        """Only what differs is written, so that only that is built again."""
        listed = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
        wanted = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
        for name in wanted:
            source, target = ROOT / name, self.folder / name
            if not target.exists() or target.read_bytes() != source.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
                target.chmod(source.stat().st_mode)

    def build(self, *targets):
        if not (self.folder / "build" / "release" / "build.ninja").exists():
            self._make(["cmake", "--preset", "release", "-DCMAKE_COMPILE_WARNING_AS_ERROR=OFF"])
        self._make(["ninja", "-C", "build/release", *sorted(targets)])

    def _make(self, command):
        made = _run(command, self.folder, env={"CCACHE_SLOPPINESS": "pch_defines,time_macros"})
        if made.returncode != 0:
            raise Trouble(f"{' '.join(command)}:\n{made.stdout[-4000:]}{made.stderr[-2000:]}")

    def passes(self, suite):
        environment = {"SLUICE_BUILD": str(self.folder / "build" / "release"), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            return _run(SUITES[suite][1], self.folder, SUITE_S, environment).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def text_of(self, mutation):
        """The file's, after making sure that the mutation still means what it says."""
        text = (self.folder / mutation.file).read_text()
        if (count := text.count(mutation.text)) != 1:
            raise Trouble(f"{mutation.name}: {mutation.file} has {mutation.text!r} {count} times, not once: "
                          "bring mutation_list.py up to date")
        return text


def _run(command, folder, timeout=None, env=None):
    environment = {**os.environ, **(env or {})}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                          errors="replace", timeout=timeout)


def targets_of(suites):
    return {SUITES[suite][0] for suite in suites}


def attempt(copy, mutation):
    """The suite that failed, or None."""
    file, text = copy.folder / mutation.file, copy.text_of(mutation)
    file.write_text(text.replace(mutation.text, mutation.replacement))
    try:
        for suite in mutation.suites:
            copy.build(*targets_of([suite]))
            if not copy.passes(suite):
                return suite
        return None
    finally:
        file.write_text(text)


def check_unchanged(copy, suites):
    """A suite that fails anyway would catch everything."""
    copy.build(*targets_of(suites))
    failed = [suite for suite in sorted(suites) if not copy.passes(suite)]
    if failed:
        raise Trouble(f"without any mutation these fail already: {', '.join(failed)}")


def chosen(words):
    return [each for each in MUTATIONS if not words or any(word in each.name for word in words)]


def run(copy, mutations):
    """How many were missed."""
    copy.bring_up_to_date()
    for mutation in mutations:
        copy.text_of(mutation)
    check_unchanged(copy, {suite for mutation in mutations for suite in mutation.suites})
    missed = 0
    for mutation in mutations:
        begun = time.monotonic()
        by = attempt(copy, mutation)
        missed += by is None
        told = f"CAUGHT by {by}" if by else "MISSED"
        print(f"{told:24} {mutation.name} ({mutation.file}), {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{len(mutations) - missed} of {len(mutations)} mutations caught", flush=True)
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("words", nargs="*", help="only the mutations whose names have one of these")
    parser.add_argument("--copy", type=pathlib.Path, default=ROOT / "build" / "mutations",
                        help="folder of the copy (default: %(default)s)")
    told = parser.parse_args()
    try:
        return 1 if run(Copy(told.copy), chosen(told.words)) else 0
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
