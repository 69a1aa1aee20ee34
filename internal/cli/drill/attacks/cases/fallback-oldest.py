# tries: a request of the oldest protocol
# ends: nothing
from lib import *

r = home_raw(b"GET /echo\r\n\r\n")
attempt("an answer", lambda: r and b" 400 " not in r)
