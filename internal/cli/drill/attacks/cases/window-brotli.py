# tries: a value in br
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=br&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
