"""The commands of the program, in the order of its table."""

COMMANDS = [
    "serve", "put", "get", "ls", "rm", "mv", "mkdir", "chat", "notes", "verify", "scrub", "hosts", "send", "recv",
    "login", "user", "token", "share", "version", "completions",
]  # fmt: skip
