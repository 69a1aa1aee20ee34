# tries: a method that is not allowed
# ends: nothing
# keeps: api
from lib import *

if at_api("/v1/a", "x", {}, "DELETE")[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
