# tries: the other paths of the gateway, by its door
# ends: nothing
from lib import *

for path in ("/spec", "/files", "/exit", "/started", "/out", "/log?stream=stdout", "//lease", "/mcp/../lease", "/request/../spec"):
    c = socket.create_connection(("127.0.0.1", 3128), timeout=5)
    c.sendall(("POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}" % path).encode())
    attempt(path, lambda: b" 200 " in (a := c.recv(4096)) or b" 204 " in a)
