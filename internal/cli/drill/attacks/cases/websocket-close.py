# tries: the value as the reason of a close
# ends: nothing
from lib import *

websocket(frame(8, b"\x03\xe8" + B[:100]))
