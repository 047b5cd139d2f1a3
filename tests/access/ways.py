"""All ways to upload a file in one go: by each protocol, `way(house, token, path, content)` tells "yes" or why not."""

from http_client import Line
from wire_client import Failed

TOLD = {200: "yes", 201: "yes", 401: "NOT_ALLOWED", 403: "NOT_ALLOWED", 404: "NOT_FOUND", 507: "NO_SPACE"}


def native(house, token, path, content, whole=False):
    with house.native(token) as client:
        try:
            client.put_whole(path, content) if whole else client.put(path, content)
        except Failed as why:
            return why.code
        return "yes"


def native_whole(house, token, path, content):
    return native(house, token, path, content, whole=True)


def tus(house, token, path, content):
    fields = ["Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream"]
    return TOLD[house.ask(token, "POST", f"/tus/{path}", *fields, f"Upload-Length: {len(content)}", body=content).status]


def draft(house, token, path, content):
    fields = ["Upload-Draft-Interop-Version: 8", "Upload-Complete: ?1"]
    return TOLD[house.ask(token, "POST", f"/uploads/{path}", *fields, body=content).status]


def put(house, token, path, content):
    return TOLD[house.ask(token, "PUT", f"/files/{path}", body=content).status]


def put_chunked(house, token, path, content):
    head = (f"PUT /files/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()  # fmt: skip
    chunk = b"%x\r\n%s\r\n" % (len(content), content) if content else b""
    with Line(house.host, house.port) as line:
        line.send(head + chunk + b"0\r\n\r\n")
        return TOLD[line.answer("PUT").status]


# What the record calls them.
PROTOCOLS = {native: "native", native_whole: "native", tus: "tus", draft: "resumable", put: "files", put_chunked: "files"}
