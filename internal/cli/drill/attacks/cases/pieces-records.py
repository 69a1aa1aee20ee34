# tries: the value over TLS records of three bytes
# ends: nothing
from lib import *

raw(head(headers=["Content-Length: %d" % len(B)]) + B, pieces=3)
