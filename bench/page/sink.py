"""python3 sink.py: a server of HTTP on a port that it prints, which throws all bodies away.

What a browser uploads to it is what the browser itself can do: the page has no code but the sending.
"""

import socket
import threading

PAGE = b"""<!doctype html><input type=file><script>
function send(body) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest()
    request.open('PUT', '/')
    request.onload = done
    request.onerror = failed
    request.send(body)
  })
}
// How many seconds. 'whole': the file by one request; a number: in slices of so many MiB, over `lines` connections.
async function upload(how, lines) {
  const file = document.querySelector('input').files[0]
  const began = performance.now()
  if (how === 'whole') await send(file)
  else {
    const bytes = how << 20
    let next = 0
    await Promise.all(Array.from({ length: lines }, async () => {
      while (next < file.size) {
        const at = next
        next += bytes
        await send(file.slice(at, at + bytes))
      }
    }))
  }
  return (performance.now() - began) / 1000
}
</script>"""
AT_ONCE = 4 << 20


def serve(client):
    scrap, unread = bytearray(AT_ONCE), b""
    with client:
        while True:
            while b"\r\n\r\n" not in unread:
                got = client.recv(1 << 16)
                if not got:
                    return
                unread += got
            head, _, unread = unread.partition(b"\r\n\r\n")
            lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            left = int(lengths[0]) if lengths else 0
            here = min(left, len(unread))
            unread, left = unread[here:], left - here
            while left > 0:  # the kernel drops it: no byte is copied
                got = client.recv_into(scrap, min(left, AT_ONCE), socket.MSG_TRUNC)
                if not got:
                    return
                left -= got
            body = PAGE if head.startswith(b"GET / ") else b""
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
