# tries: the value over several messages
# ends: nothing
from lib import *

websocket(*[frame(1, B[i:i + 8]) for i in range(0, len(B), 8)])
