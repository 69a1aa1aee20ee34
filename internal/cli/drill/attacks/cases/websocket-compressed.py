# tries: a message that says it is compressed
# ends: nothing
from lib import *

websocket(b"\xc1" + frame(1, B)[1:], headers=["Sec-WebSocket-Extensions: permessage-deflate"])
