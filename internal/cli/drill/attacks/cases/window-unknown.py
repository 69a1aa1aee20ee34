# tries: a value in what says that it is not known
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?status=401&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
