# tries: a value percent-encoded
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=percent&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
