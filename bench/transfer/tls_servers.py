"""The servers that encrypt, each with keys of its own in the work folder."""

import getpass
import os
import subprocess
from pathlib import Path

from network import free_port
from nginx import start_nginx
from place import Place
from server import Server, write_config

SSHD = "/usr/sbin/sshd"
SSH_CIPHER = "aes128-gcm@openssh.com"
CLIENT_KEY = "client_key"


def sluice(place: Place) -> Server:
    command = [f"{place.build}/sluice", "serve", str(place.site), "--listen", "127.0.0.1:0", "--public", "write",
               "--tls", "auto"]  # fmt: skip
    return Server(place, command)


def nginx(place: Place) -> Server:
    certificate, key = place.etc / "nginx.crt", place.etc / "nginx.key"
    if not certificate.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True)  # fmt: skip
    return start_nginx(
        place,
        http=f"""client_max_body_size 0; client_body_buffer_size 1m;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;""",
        listen="ssl",
        location="dav_methods PUT;",
    )


def sshd(place: Place) -> Server:
    port, host_key, client_key = free_port(), place.etc / "host_key", place.etc / CLIENT_KEY
    for key in (host_key, client_key):
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it insists, and removes nothing there
    config = write_config(
        place.etc / "sshd_config",
        f"""ListenAddress 127.0.0.1
Port {port}
HostKey {host_key}
AuthorizedKeysFile {client_key}.pub
AllowUsers {getpass.getuser()}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
Ciphers {SSH_CIPHER}
Subsystem sftp internal-sftp
""",
    )
    return Server(place, [SSHD, "-D", "-e", "-f", config], port)
