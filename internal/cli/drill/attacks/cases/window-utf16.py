# tries: a value in UTF-16
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=utf16&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
