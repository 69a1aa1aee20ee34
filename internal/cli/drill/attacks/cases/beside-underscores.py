# tries: another account's key, with underscores
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home(headers=dict(OURS, X_Api_Key="theirs-0123456789abcdef"))[0] not in (400, 403):
    print("GOT an account of its own")
