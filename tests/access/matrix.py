"""What the tables of who may do what have in common: see test_matrix.py."""

import pathlib
import re

import pytest

from access.conftest import ROLES

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def cells(table):
    """A test for each role in each row; the columns are in the order of ROLES."""
    return [pytest.param(verb, role, row[ROLES.index(role)], id=f"{verb}-{role}")
            for verb, row in table.items() for role in ROLES]  # fmt: skip


def in_source(file, begin, end, form):
    """What a table of the product's source names between two marks, so that no row of ours is forgotten."""
    text = (ROOT / "src" / file).read_text()
    found = re.findall(form, text[text.index(begin) : text.index(end, text.index(begin))])
    assert found, f"{file} has nothing of the form {form}: bring this test up to date"
    return found
