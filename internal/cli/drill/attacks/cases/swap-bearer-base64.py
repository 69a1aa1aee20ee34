# tries: a stand-in in base64 as a token
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Bearer " + b64(WORD)}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
