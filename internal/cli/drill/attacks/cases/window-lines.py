# tries: a value over two lines
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?as=lines&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
