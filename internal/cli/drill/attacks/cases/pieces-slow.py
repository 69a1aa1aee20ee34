# tries: the value after a long pause within the body
# ends: nothing
from lib import *

import time
c = connect()
c.sendall(head(headers=["Transfer-Encoding: chunked"]) + b"%x\r\n%s\r\n" % (20, B[:20]))
time.sleep(1)
c.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(B) - 20, B[20:]))
c.settimeout(3)
c.recv(4096)
