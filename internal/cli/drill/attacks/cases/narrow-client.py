# tries: a key of the client's own, where one is put on
# ends: nothing
from lib import *

if "theirs-0123456789" in at_api("/v1/echo", None, {"Authorization": "Bearer theirs-0123456789abcdef"})[1]:
    print("GOT a key of its own")
