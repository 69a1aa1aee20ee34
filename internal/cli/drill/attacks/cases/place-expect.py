# tries: the value behind 100-continue
# ends: nothing
from lib import *

c = connect()
c.sendall(head(headers=["Content-Length: %d" % len(B), "Expect: 100-continue"]))
c.settimeout(3)
try:
    c.recv(4096)
except OSError:
    pass
c.sendall(B)
c.recv(4096)
