# tries: a stand-in in a body of two kinds
# ends: nothing
# keeps: home
from lib import *

if (at_home("/", "token=" + WORD, {"Content-Type": "application/x-www-form-urlencoded, text/plain"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
