# tries: a stand-in in base64 within base64
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Basic " + b64(b64("ada:" + WORD))}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
