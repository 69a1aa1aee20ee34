# tries: a stand-in in a parameter after a semicolon
# ends: nothing
# keeps: home
from lib import *

if (at_home("/?a=1;token=" + WORD) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
