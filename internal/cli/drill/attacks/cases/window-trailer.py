# tries: a value in a trailer
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?in=trailer&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
