"""Exchanges two names as fast as it can: `python swapper.py ONE OTHER`, until its input ends. Both
names exist at any time. At the end it says how often it did."""

import ctypes
import os
import select
import sys

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def main(one, other):
    libc = ctypes.CDLL(None, use_errno=True)
    one, other = os.fsencode(one), os.fsencode(other)
    print("swapping", flush=True)
    swaps = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for _ in range(100):
            if libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0:
                swaps += 1
    print(swaps, flush=True)


main(*sys.argv[1:])
