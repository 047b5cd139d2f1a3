"""One thing that is taken out of the product; the lists of them are mutation_list.py's."""

import collections

Mutation = collections.namedtuple("Mutation", "name file text replacement suites")


def without(name, file, text, *suites, by=""):
    """`file` is below src, or of the program."""
    return Mutation(name, file if file.startswith("cli/") else f"src/{file}", text, by, suites)
