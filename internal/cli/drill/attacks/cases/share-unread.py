# tries: a request within the body of one that is answered unread
# ends: nothing
from lib import *

inner = head("GET", "/echo?inner", ["X-A: b"], host=HOME[0], port=HOME[1])
text = home_raw(head("POST", "/unread", ["Authorization: Bearer " + WORD, "Content-Length: %d" % len(inner)], host=HOME[0], port=HOME[1]) + inner + head("GET", "/echo?next", ["Authorization: Bearer " + WORD, "Connection: close"], host=HOME[0], port=HOME[1]))
keep((0, text.decode("utf-8", "replace"), ""))
if b"/echo?inner" in text:
    print("GOT an answer to a request within a body")
