# tries: a stand-in as the first of two in one header
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Authorization": "Bearer " + WORD + ", Bearer x"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
