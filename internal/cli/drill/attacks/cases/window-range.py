# tries: a part of an answer that holds a value
# ends: nothing
from lib import *

for at in range(0, 400, 40):
    keep(at_home("/echo", None, {"Authorization": "Bearer " + WORD, "Range": "bytes=%d-%d" % (at, at + 60)}))
