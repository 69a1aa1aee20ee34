# tries: a value as entities
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=html&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
