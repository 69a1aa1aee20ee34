# tries: a path with dots, encoded
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1/%2e%2e/v2/a")[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
