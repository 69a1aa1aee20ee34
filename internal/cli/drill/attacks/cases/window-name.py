# tries: a value as a header's name
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?in=name&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
