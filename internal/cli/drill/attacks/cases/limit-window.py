# tries: a value that is quoted seven bytes at a time
# ends: documented
from lib import *

for at in range(0, 60, 7):
    keep(at_home("/echo?value=1&from=%d&to=%d" % (at, at + 7), None, {"Authorization": "Bearer " + WORD}))
