# tries: a value in hex
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=hex&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
