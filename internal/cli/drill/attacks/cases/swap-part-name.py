# tries: a stand-in as the name of a part
# ends: nothing
# keeps: home
from lib import *

if (at_home("/", parts(WORD, "x"), PARTS) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
