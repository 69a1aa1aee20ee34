# tries: a value that is quoted in part, from the beginning
# ends: nothing
from lib import *

keep(at_home("/echo?from=%d&to=%d" % (0, 20), None, {"Authorization": "Bearer " + WORD}))
