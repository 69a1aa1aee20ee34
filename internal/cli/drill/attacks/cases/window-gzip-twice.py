# tries: a value in gzip, twice
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=gzip2&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
