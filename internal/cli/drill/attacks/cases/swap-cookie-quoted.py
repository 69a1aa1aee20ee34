# tries: a stand-in in a cookie, in quotes
# ends: nothing
# keeps: home
from lib import *

if (at_home(headers={"Cookie": 'note="%s"' % WORD}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
