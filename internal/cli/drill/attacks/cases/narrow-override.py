# tries: another method, by a header
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1/a", None, {"X-HTTP-Method-Override": "DELETE"})[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
