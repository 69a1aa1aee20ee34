# tries: a body with two lengths
# ends: nothing
from lib import *

r = raw(head(headers=["Content-Length: 4", "Content-Length: 5"]) + b"abcde")
attempt("an answer", lambda: b" 200 " in r)
