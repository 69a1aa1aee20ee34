# tries: another path, by a header
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1/a", None, {"X-Original-URL": "/v2/admin"})[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
