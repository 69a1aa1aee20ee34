# tries: the value over the fragments of a message
# ends: nothing
from lib import *

websocket(frame(1, B[:9], False), frame(0, B[9:30], False), frame(9, b"p"), frame(0, B[30:]))
