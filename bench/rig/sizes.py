"""Sizes as people write them."""

import argparse
import re

_SHIFTS = {"KiB": 10, "MiB": 20, "GiB": 30}


def size(text: str) -> int:
    """Bytes; a type for argparse."""
    found = re.fullmatch(r"(\d+)\s*(KiB|MiB|GiB|B)?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is no size such as 4GiB")
    return int(found[1]) << _SHIFTS.get(found[2], 0)
