# tries: a stand-in after a scheme of nobody's
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Echo " + WORD}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
