# tries: an allowed host without TLS
# ends: nothing
from lib import *

c = socket.create_connection((HOST, PORT), timeout=5)
c.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(B) + B)
attempt("an answer", lambda: b" 200 " in c.recv(4096))
