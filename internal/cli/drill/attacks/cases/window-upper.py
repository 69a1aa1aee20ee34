# tries: a value in capitals
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=upper&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
