# tries: a request without a stand-in behind one with it
# ends: nothing
from lib import *

one = head("GET", "/echo", ["Authorization: Bearer " + WORD], host=HOME[0], port=HOME[1])
two = head("GET", "/echo?second", ["Connection: close"], host=HOME[0], port=HOME[1])
text = home_raw(one + two)
keep((0, text.decode("utf-8", "replace"), ""))
if b"authorization" in text[text.rfind(b"GET /echo?second"):].lower():
    print("GOT the credential on a request of nobody's")
