"""Paths that could lead out of the served folder: every string up to a length over the characters that ways out are made
of, alone and behind and before names that exist; and by hand, what has led out of other servers."""

import itertools

ALPHABET = b"%25ef./\\"
ODD_OF_THE_QUICK_FORM = 101  # one of so many


def words(length_max):
    for length in range(length_max + 1):
        for letters in itertools.product(ALPHABET, repeat=length):
            yield bytes(letters)


def odd_paths():
    dots = [b"..", b"%2e%2e", b"%2E.", b".%2e", b"%252e%252e", b"%25252e%25252e", b"..%00", b"%00..", b"..%0a", b"..;",
            b"..%20", b"%20..", b"..%09", b"..%c0%af", b"%c0%ae%c0%ae", b"%e0%80%ae%e0%80%ae", b"%f0%80%80%ae%f0%80%80%ae",
            b"\xc0\xae\xc0\xae", b"\xe0\x80\xae\xe0\x80\xae", b"%uff0e%uff0e", b"\xef\xbc\x8e\xef\xbc\x8e", b"...", b"....",
            b"\xe2\x80\xae..", b"%e2%80%ae..", b"..\xe2\x80\x8b", b"\xcc\x81..", b"e\xcc\x81", b"\xc3\xa9", b"%ff%fe", b"%ed%a0%80",
            b"~", b"~root", b"$HOME", b"`id`", b"C:", b"C:\\", b"\\\\host\\share", b"file:", b"CON", b"AUX.txt"]  # fmt: skip
    slashes = [b"/", b"%2f", b"%2F", b"\\", b"%5c", b"%255c", b"%252f", b"//", b"/./", b"%c0%af", b"\xc0\xaf", b"%e0%80%af",
               b"\xe2\x88\x95", b"%e2%88%95", b"\xef\xbc\x8f", b";/", b"?/", b"#/", b"%00/", b"%0d%0a/"]  # fmt: skip
    targets = [b"", b"secret", b"served/../secret", b"etc/passwd", b"e", b"proc/self/environ", b".sluice/owner-key"]
    for dot, slash, target in itertools.product(dots, slashes, targets):
        for count in (1, 2, 8):
            yield (dot + slash) * count + target
        yield slash + dot + slash + target
        yield b"in" + slash + dot + slash + dot + slash + target
    for name in (b".hidden", b".sluice", b".sluice/catalog.db", b"in/.hidden", b"leads-out", b"leads-out/secret", b"to-root/secret",
                 b"leads-out%2fsecret", b"in/up/secret", b"in/up/../secret", b"/proc/self/root/etc/passwd", b"dev/stdin"):  # fmt: skip
        yield name
        yield b"/" + name
    for size in (255, 256, 4095, 4096, 4097, 15_000):
        yield b"a" * size
        yield b"../" * (size // 3)
        yield b"%2e%2e%2f" * (size // 9)
        yield b"a/" * (size // 2) + b"../" * (size // 2 + 3) + b"secret"
        yield b"\xc3\xa9" * (size // 2)


def paths(length, all_odd_ones):
    yield from itertools.islice(odd_paths(), 0, None, 1 if all_odd_ones else ODD_OF_THE_QUICK_FORM)
    for word in words(length):
        yield word
        yield b"in/" + word
        yield word + b"/secret"
