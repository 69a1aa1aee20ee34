# tries: a value in hints before the answer
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?in=early&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
