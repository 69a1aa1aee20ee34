# tries: a transfer coding of nobody's
# ends: nothing
from lib import *

r = raw(head(headers=["Transfer-Encoding: xchunked"]) + b"0\r\n\r\n")
attempt("an answer", lambda: b" 200 " in r)
