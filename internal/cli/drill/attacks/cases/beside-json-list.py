# tries: another account's token in JSON of another kind
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home("/", json.dumps({"client_secret": "theirs-0123456789abcdef"}), dict(OURS, **{"Content-Type": "application/json-seq"}))[0] not in (400, 403):
    print("GOT an account of its own")
