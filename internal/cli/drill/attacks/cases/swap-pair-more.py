# tries: a stand-in as a part of a password
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Basic " + b64("ada:" + WORD + "x")}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
