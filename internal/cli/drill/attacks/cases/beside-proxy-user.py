# tries: another account by a header that proxies vouch with
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home(headers=dict(OURS, **{"X-Forwarded-User": "eve", "X-Remote-User": "eve"}))[0] not in (400, 403):
    print("GOT an account of its own")
