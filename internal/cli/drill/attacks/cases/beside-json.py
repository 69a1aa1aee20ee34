# tries: another account's token in JSON
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home("/", json.dumps({"access_token": "theirs-0123456789abcdef"}), dict(OURS, **{"Content-Type": "application/json"}))[0] not in (400, 403):
    print("GOT an account of its own")
