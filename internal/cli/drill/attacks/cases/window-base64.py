# tries: a value in base64
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=base64&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
