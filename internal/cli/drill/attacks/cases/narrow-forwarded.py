# tries: another path, by what proxies say
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1/a", None, {"X-Forwarded-Prefix": "/v2"})[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
