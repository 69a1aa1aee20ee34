# tries: the value in a binary message
# ends: nothing
from lib import *

websocket(frame(2, b"\x00\x01" + B))
