"""What is measured inside TLS: the same tasks, beside nginx with TLS 1.3 and scp, all with AES-128-GCM."""

import tls_servers
from place import Place
from rounds import Subject, Task
from subjects import TASKS, raw_get, raw_put, then_sync


def _sluice(name: str, client) -> Subject:
    return Subject(name, client, tls_servers.sluice, ("openssl",), builds=("sluice",))


def _nginx(name: str, client) -> Subject:
    return Subject(name, client, tls_servers.nginx, ("curl", "nginx", "openssl"))


def _scp(name: str, client) -> Subject:
    return Subject(name, client, tls_servers.sshd, ("scp", "ssh-keygen", tls_servers.SSHD))


def _client(place: Place, command: str, *arguments: str) -> list[str]:
    return [f"{place.build}/sluice", command, "--known-hosts", f"{place.etc}/known_hosts", *arguments]


def _native(port: int, path: str) -> str:
    return f"sluices://127.0.0.1:{port}/{path}"


def _curl(port: int, path: str, *arguments: str) -> list[str]:
    tls = ["--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256", "-k"]
    return ["curl", "-sS", "-f", *tls, *arguments, f"https://127.0.0.1:{port}/{path}"]


def _copy(place: Place, port: int, source: str, target: str) -> list[str]:
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "Compression=no"]
    flags = [word for each in options for word in ("-o", each)]
    key = str(place.etc / tls_servers.CLIENT_KEY)
    return ["scp", "-q", "-F", "/dev/null", "-c", tls_servers.SSH_CIPHER, "-i", key, "-P", str(port), *flags,
            source, target]  # fmt: skip


def _there(path) -> str:
    return f"127.0.0.1:{path}"


def _sync(place: Place) -> list[str]:
    return ["sync", str(place.up / "file.bin")]


_CURL_PUT = _nginx("curl -T, nginx WebDAV", lambda p, port: _curl(port, "up/file.bin", "-T", str(p.file)))
_SCP_PUT = _scp("scp", lambda p, port: _copy(p, port, str(p.file), _there(p.up / "file.bin")))

_SUBJECTS = {
    "download": [
        raw_get("raw limit, plain", 1, lambda p: f"{p.here}/file.bin"),
        _sluice("sluice get", lambda p, port: _client(p, "get", _native(port, "file.bin"), "-o", f"{p.here}/file.bin")),
        _nginx("nginx, curl", lambda p, port: _curl(port, "file.bin", "-o", f"{p.here}/file.bin")),
        _scp("scp", lambda p, port: _copy(p, port, _there(p.file), f"{p.here}/file.bin")),
    ],
    "upload": [
        raw_put("raw limit, plain", 1),
        raw_put("raw limit, plain, direct I/O, synced", 1, "--direct", "--sync"),
        _sluice("sluice put", lambda p, port: _client(p, "put", str(p.file), _native(port, "up/file.bin"))),
        _CURL_PUT,
        then_sync(_CURL_PUT, _sync),
        _SCP_PUT,
        then_sync(_SCP_PUT, _sync),
    ],
}

TLS_TASKS = [
    Task(task.key, f"{task.title}, encrypted", task.source, task.difference, _SUBJECTS[task.key])
    for task in TASKS
    if task.key in _SUBJECTS
]
