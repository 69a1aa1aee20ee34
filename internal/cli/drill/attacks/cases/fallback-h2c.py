# tries: a change to HTTP/2 without TLS
# ends: nothing
from lib import *

r = home_raw(head("GET", "/echo", ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Authorization: Bearer " + WORD], host=HOME[0], port=HOME[1]))
attempt("another protocol", lambda: b" 101 " in r)
