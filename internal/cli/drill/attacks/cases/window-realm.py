# tries: a value in what asks for a credential
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?in=realm&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
