# tries: another account's password, where people sign in
# ends: nothing
from lib import *

OURS = {"Authorization": "Bearer " + WORD}
if at_home("/login", "username=eve&password=hunter2hunter2", dict(OURS, **{"Content-Type": "application/x-www-form-urlencoded"}))[0] not in (400, 403):
    print("GOT an account of its own")
