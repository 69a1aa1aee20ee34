# tries: a stand-in as a user who has a password
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Basic " + b64(WORD + ":hunter2hunter2")}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
