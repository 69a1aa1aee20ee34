# tries: another account's session in a cookie
# ends: nothing
from lib import *

if "theirs-0123456789" in at_home("/echo", None, {"Authorization": "Bearer " + WORD, "Cookie": "session=theirs-0123456789abcdef"})[1]:
    print("GOT a session of its own")
