# tries: a path whose slash is encoded
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1%2fa")[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
