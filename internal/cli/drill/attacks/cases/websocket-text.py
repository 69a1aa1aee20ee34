# tries: the value in a WebSocket message
# ends: nothing
from lib import *

websocket(frame(1, B))
