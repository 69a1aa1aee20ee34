# tries: a stand-in as the name of a header
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={WORD: "1"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
