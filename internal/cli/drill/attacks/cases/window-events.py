# tries: a value in events
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=events&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
