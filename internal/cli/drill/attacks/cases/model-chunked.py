# tries: the value in a prompt, in chunks
# ends: nothing
from lib import *

c = connect(MODEL_HOST, MODEL_PORT)
c.sendall(("POST / HTTP/1.1\r\nHost: %s:%d\r\nTransfer-Encoding: chunked\r\n\r\n" % (MODEL_HOST, MODEL_PORT)).encode() + chunked([B[i:i + 4] for i in range(0, len(B), 4)]))
c.recv(4096)
