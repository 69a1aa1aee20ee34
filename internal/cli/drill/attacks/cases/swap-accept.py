# tries: a stand-in as what the client accepts
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Accept": WORD}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
