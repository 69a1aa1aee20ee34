# tries: a WebSocket's messages compressed
# ends: nothing
from lib import *

r = websocket(frame(1, b"a"), host=HOME[0], port=HOME[1], headers=["Authorization: Bearer " + WORD, "Sec-WebSocket-Extensions: permessage-deflate"])
attempt("an extension", lambda: b"permessage-deflate" in r)
