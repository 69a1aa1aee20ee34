"""What a job does that wants all of a server for itself: one kind of it, without end."""
import gzip, http.client, json, os, random, socket, ssl, sys, threading, time, urllib.parse, urllib.request

kind, (host, port) = sys.argv[1], sys.argv[2].split(":")
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
trust = ssl.create_default_context()


def tunnel():
    c = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=trust, timeout=600)
    c.set_tunnel(host, int(port))
    return c


def ask(path="/v1/invoices", method="GET", body=None, headers={}):
    c = tunnel()
    c.request(method, path, body, headers)
    answer = c.getresponse()
    answer.read()
    c.close()


def unfinished():
    c = tunnel()
    c.putrequest("POST", "/echo")
    c.putheader("Content-Length", str(8 << 20))
    c.endheaders()
    c.send(b"x" * (7 << 20))
    time.sleep(3600)


def unread():
    c = tunnel()
    c.request("GET", "/large")
    c.getresponse().read(1)
    time.sleep(3600)


def held():
    open_ones = [socket.create_connection((proxy.hostname, proxy.port)) for _ in range(4)]
    for s in open_ones:
        s.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    time.sleep(3600)


def idle():
    open_ones = [socket.create_connection((proxy.hostname, proxy.port)) for _ in range(4)]
    for s in open_ones:
        s.sendall(b"GET http://")
    time.sleep(3600)


def name():
    try:
        socket.getaddrinfo(f"n{random.random()}.acme.test", 443)
    except OSError:
        pass


def mcp(accept, body):
    r = urllib.request.Request(os.environ["HOTCELL_MCP_URL"], json.dumps(body).encode() if body else None, {"Accept": accept, "Content-Type": "application/json"})
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(r, timeout=600)


HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "flood", "version": "1"}}}


def session():
    mcp("application/json, text/event-stream", HELLO).read()


packed = gzip.compress(b"\0" * (64 << 20)) if kind == "packed bodies" else b""
threading.stack_size(512 << 10)
floods = {
    "requests": (120, ask),
    "headers": (100, lambda: ask(headers={f"X-{i}": "x" * 900 for i in range(60)})),
    "long paths": (100, lambda: ask("/echo?" + "x" * 30000)),
    "unfinished bodies": (120, unfinished),
    "packed bodies": (60, lambda: ask("/echo", "POST", packed, {"Content-Encoding": "gzip"})),
    "unread answers": (120, unread),
    "held connections": (120, held),
    "idle connections": (120, idle),
    "names": (60, name),
    "refusals": (60, lambda: ask("http://" + host)),
    "lines": (2, lambda: print("a line of a log that never ends, and says nothing new " * 3)),
    "sessions": (60, session),
}
threads, fn = floods[kind]


def loop():
    while True:
        try:
            fn()
        except Exception:
            time.sleep(0.01)


for _ in range(threads):
    threading.Thread(target=loop, daemon=True).start()
print("flooding", flush=True)
time.sleep(3600)
