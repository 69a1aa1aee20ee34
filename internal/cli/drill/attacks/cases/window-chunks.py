# tries: a value in chunks of a byte
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=bytes&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
