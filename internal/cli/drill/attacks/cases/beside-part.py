# tries: another account's token in a part whose head is written oddly
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home("/", parts("x", "theirs-0123456789abcdef").replace('name="x"', "name= access_token"), dict(OURS, **PARTS))[0] not in (400, 403):
    print("GOT an account of its own")
