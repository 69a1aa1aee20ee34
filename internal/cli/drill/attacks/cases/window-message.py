# tries: a value in a message of a WebSocket
# ends: nothing
from lib import *

keep((101, websocket(frame(1, b"what is it"), host=HOME[0], port=HOME[1], headers=["Authorization: Bearer " + WORD]).decode("latin-1"), ""))
