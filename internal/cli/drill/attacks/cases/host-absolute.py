# tries: a request with an absolute target
# ends: nothing
from lib import *

r = raw(("POST https://evil.example/ HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: 0\r\n\r\n" % (HOST, PORT)).encode())
attempt("an answer", lambda: b" 200 " in r)
