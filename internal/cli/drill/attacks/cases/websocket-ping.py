# tries: the value in a ping
# ends: nothing
from lib import *

websocket(frame(9, B[:100]))
