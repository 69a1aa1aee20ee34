# tries: a stand-in as an argument of JSON-RPC
# ends: nothing
# keeps: home
from lib import *

if (at_home("/rpc", json.dumps([{"jsonrpc": "2.0", "method": "post", "params": [WORD]}]), {"Content-Type": "application/json"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
