# tries: a value in gzip
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=gzip&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
