# tries: a body that is chunked and has a length
# ends: nothing
from lib import *

r = raw(head(headers=["Content-Length: 4", "Transfer-Encoding: chunked"]) + b"1\r\na\r\n0\r\n\r\n")
attempt("an answer", lambda: b" 200 " in r)
