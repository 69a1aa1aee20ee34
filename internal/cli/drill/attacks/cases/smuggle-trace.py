# tries: the method TRACE
# ends: nothing
from lib import *

r = raw(head("TRACE", headers=["X-Note: 1"]))
attempt("an answer", lambda: b" 200 " in r)
