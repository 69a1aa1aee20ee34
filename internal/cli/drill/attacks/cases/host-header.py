# tries: a request for another host than its connection
# ends: nothing
from lib import *

r = raw(head(host="evil.example", headers=["Content-Length: 0", "Connection: close"]))
attempt("an answer", lambda: b" 200 " in r)
