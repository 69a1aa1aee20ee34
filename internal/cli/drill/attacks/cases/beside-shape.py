# tries: another account's token by its shape, in a header of no meaning
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home(headers=dict(OURS, **{"X-Note": "ghp_0123456789abcdefghij"}))[0] not in (400, 403):
    print("GOT an account of its own")
