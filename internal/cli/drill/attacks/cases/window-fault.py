# tries: a value on a page of a fault
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?status=500&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
