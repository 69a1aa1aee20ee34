# tries: a body that unpacks to gigabytes
# ends: nothing
from lib import *

z = zlib.compressobj(9, wbits=31)
block = z.compress(b"\0" * (1 << 24))
c = connect()
c.sendall(head(headers=["Content-Encoding: gzip", "Transfer-Encoding: chunked"]))
try:
    for _ in range(64):
        if block:
            c.sendall(b"%x\r\n%s\r\n" % (len(block), block))
        block = z.compress(b"\0" * (1 << 24))
    block += z.flush()
    c.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(block), block))
except OSError:
    pass
