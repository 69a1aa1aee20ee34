# tries: a change to a protocol of nobody's
# ends: nothing
from lib import *

c = connect()
c.sendall(head("GET", "/ws", ["Upgrade: own", "Connection: Upgrade"]))
c.settimeout(3)
try:
    c.recv(4096)
    c.sendall(B)
    c.recv(4096)
except OSError:
    pass
