# tries: a stand-in in a trailer
# ends: nothing
# keeps: home
from lib import *

home_raw(head(path="/", headers=["Transfer-Encoding: chunked", "Trailer: X-Note", "Connection: close"], host=HOME[0], port=HOME[1]) + chunked([b"ab"], [b"X-Note: " + WORD.encode()]))
