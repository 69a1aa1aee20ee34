# What the cases share: the value that must not get out, the hosts, and ways to
# send. Nothing here says whether a case got through: the listeners do.
import base64, gzip, http.client, json, os, socket, ssl, struct, sys, urllib.parse, zlib

VALUE = os.environ["CANARY"]
B = VALUE.encode()
HOST, PORT = os.environ["TARGET"].split(":")
PORT = int(PORT)
MODEL_HOST, MODEL_PORT = os.environ["MODEL"].split(":")
MODEL_PORT = int(MODEL_PORT)


def connect(host=HOST, port=PORT, name=None, protocols=None, check=True):
    context = ssl.create_default_context()
    if not check:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    raw = socket.create_connection((host, port), timeout=10)
    return context.wrap_socket(raw, server_hostname=name or host)


def send(path="/", body=None, headers={}, method=None, host=HOST, port=PORT):
    c = http.client.HTTPSConnection(host, port, timeout=10, context=ssl.create_default_context())
    c.request(method or ("POST" if body is not None else "GET"), path, body=body, headers=headers)
    r = c.getresponse()
    r.read()
    return r.status


def raw(data, pieces=None, wait=True, **to):
    """Writes bytes as they are, in pieces of so many bytes."""
    c = connect(**to)
    step = pieces or len(data)
    for i in range(0, len(data), step):
        c.sendall(data[i:i + step])
    c.settimeout(5)
    try:
        return c.recv(65536) if wait else b""
    except OSError:
        return b""


def head(method="POST", path="/", headers=(), host=None):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % (host or HOST, PORT)] + list(headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunked(pieces, trailers=()):
    out = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces if p)
    return out + b"0\r\n" + b"".join(t + b"\r\n" for t in trailers) + b"\r\n"


def post_chunked(pieces, headers=(), trailers=(), path="/"):
    return raw(head(path=path, headers=["Transfer-Encoding: chunked", "Connection: close"] + list(headers)) + chunked(pieces, trailers))


def frame(opcode, payload, final=True):
    """A WebSocket frame, masked as a client's must be."""
    mask = os.urandom(4)
    n = len(payload)
    length = bytes([0x80 | n]) if n < 126 else bytes([0x80 | 126]) + struct.pack(">H", n)
    return bytes([(0x80 if final else 0) | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def websocket(*frames, headers=()):
    c = connect()
    c.sendall(head("GET", "/ws", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                                  "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()] + list(headers)))
    c.recv(65536)
    for f in frames:
        c.sendall(f)
    c.settimeout(2)
    try:
        c.recv(65536)
    except OSError:
        pass


def attempt(what, fn):
    """For what does not go by a listener: says what it got."""
    try:
        got = fn()
    except Exception:
        got = None
    if got:
        print("GOT", what, repr(got)[:80], flush=True)
