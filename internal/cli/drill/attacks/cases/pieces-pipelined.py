# tries: the value in the second of two requests that come at once
# ends: nothing
from lib import *

raw(head("GET", "/a", ["Content-Length: 0"]) + head(headers=["Content-Length: %d" % len(B)]) + B)
