# tries: the lease once more
# ends: nothing
from lib import *

c = socket.create_connection(("127.0.0.1", 3128), timeout=5)
c.sendall(b"POST /lease HTTP/1.1\r\nHost: gateway\r\nContent-Length: 21\r\n\r\n{\"public_key\":\"a2V5\"}")
attempt("an answer", lambda: b" 200 " in c.recv(4096))
