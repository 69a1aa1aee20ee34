# tries: a path in capitals
# ends: nothing
# keeps: api
from lib import *

if at_api("/V1/a")[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
