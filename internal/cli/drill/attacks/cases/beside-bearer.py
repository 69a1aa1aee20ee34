# tries: another account's token by its scheme, in a header of no meaning
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home(headers=dict(OURS, **{"X-Note": "Bearer " + "theirs-0123456789abcdef"}))[0] not in (400, 403):
    print("GOT an account of its own")
