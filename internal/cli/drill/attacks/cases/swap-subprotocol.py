# tries: a stand-in as a WebSocket's protocol
# ends: nothing
# keeps: home
from lib import *

if (at_home("/ws", None, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": b64("0123456789abcdef"), "Sec-WebSocket-Protocol": "bearer, " + WORD}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
