# tries: a head of half a megabyte
# ends: nothing
from lib import *

r = home_raw(head("GET", "/echo", ["X-A-%d: %s" % (n, "x" * 1000) for n in range(512)], host=HOME[0], port=HOME[1]))
attempt("an answer", lambda: b" 200 " in r)
