# tries: another method, by a header with underscores
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1/a", None, {"X_Method_Override": "DELETE"})[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
