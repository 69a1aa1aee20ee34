# tries: a value in where to go on
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?in=location&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
