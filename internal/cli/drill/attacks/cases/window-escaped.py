# tries: a value in JSON, escaped
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=json&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
