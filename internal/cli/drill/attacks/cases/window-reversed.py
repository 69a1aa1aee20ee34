# tries: a value from its end
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=reversed&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
