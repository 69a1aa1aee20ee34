# tries: a stand-in in a WebSocket's message
# ends: nothing
# keeps: home
from lib import *

websocket(frame(1, b'{"text":"' + WORD.encode() + b'"}'), frame(1, WORD[:9].encode()), frame(1, WORD[9:].encode()), host=HOME[0], port=HOME[1])
