# tries: a value in a dump
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=dump&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
