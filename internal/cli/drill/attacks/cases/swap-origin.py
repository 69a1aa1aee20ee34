# tries: a stand-in as the origin of a page
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Origin": "https://" + WORD}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
