# tries: a stand-in after two spaces
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Bearer  " + WORD}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
