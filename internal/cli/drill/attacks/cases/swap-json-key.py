# tries: a stand-in as a name in JSON
# ends: nothing
# keeps: home
from lib import *

if (at_home("/", json.dumps({WORD: 1}), {"Content-Type": "application/json"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
