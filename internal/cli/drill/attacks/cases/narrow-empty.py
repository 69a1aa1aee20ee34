# tries: a path that begins with nothing
# ends: nothing
# keeps: api
from lib import *

if at_api("//v1/a")[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
