# What the cases share: the value that must not get out, the hosts, and ways to
# send. Nothing here says whether a case got through: the listeners do.
import base64, gzip, http.client, json, os, socket, ssl, struct, sys, urllib.parse, zlib

VALUE = os.environ["CANARY"]
B = VALUE.encode()
HOST, PORT = os.environ["TARGET"].split(":")
PORT = int(PORT)
MODEL_HOST, MODEL_PORT = os.environ["MODEL"].split(":")
MODEL_PORT = int(MODEL_PORT)
# The host that the stand-in is for, and the one onto whose requests a key is put.
HOME, API = (lambda *pairs: [(h, int(p)) for h, p in pairs])(os.environ["HOME_HOST"].split(":"), os.environ["API_HOST"].split(":"))
WORD = os.environ["STANDIN"]
PARTS = {"Content-Type": "multipart/form-data; boundary=xx"}


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


def head(method="POST", path="/", headers=(), host=None, port=PORT):
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % (host or HOST, port)] + list(headers)
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


def websocket(*frames, headers=(), host=HOST, port=PORT):
    c = connect(host, port)
    c.sendall(head("GET", "/ws", host=host, port=port, headers=["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                                  "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()] + list(headers)))
    got = c.recv(65536)
    c.settimeout(2)
    try:
        for f in frames:
            c.sendall(f)
        c.sendall(frame(8, b"\x03\xe8"))
        while more := c.recv(65536):
            got += more
    except OSError:
        pass
    return got


def b64(text):
    return base64.b64encode(text.encode()).decode()


def parts(name, text, file=None):
    more = '; filename="%s"' % file if file else ""
    return '--xx\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n--xx--\r\n' % (name, more, text)


def ask(to, path="/", body=None, headers={}, method=None):
    """The status, the text and the headers of an answer; status 0 where there is none."""
    try:
        c = http.client.HTTPSConnection(to[0], to[1], timeout=10, context=ssl.create_default_context())
        c.request(method or ("POST" if body is not None else "GET"), path, body=body, headers=headers)
        r = c.getresponse()
        return r.status, r.read().decode("utf-8", "replace"), str(r.getheaders())
    except (OSError, http.client.HTTPException):
        return 0, "", ""


def at_home(*args, **kw):
    return ask(HOME, *args, **kw)


def at_api(*args, **kw):
    return ask(API, *args, **kw)


def home_raw(data):
    """Writes bytes as they are to the host that the stand-in is for; all that comes back."""
    c = connect(*HOME)
    c.settimeout(5)
    got = b""
    try:
        c.sendall(data)
        while True:
            more = c.recv(65536)
            if not more:
                return got
            got += more
    except OSError:
        return got


def keep(answer):
    """Leaves an answer where the drill looks for values."""
    text = "%s\n%s\n%s\n" % (answer[0], answer[2], answer[1])
    with open("/job/out/answer.txt", "a", errors="replace") as f:
        f.write(text)
    print(text, flush=True)


def attempt(what, fn):
    """For what does not go by a listener: says what it got."""
    try:
        got = fn()
    except Exception:
        got = None
    if got:
        print("GOT", what, repr(got)[:80], flush=True)
