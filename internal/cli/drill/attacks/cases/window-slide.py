# tries: a value that is quoted in part, from places of the job's choice
# ends: nothing
from lib import *

for at in range(8, 50, 6):
    keep(at_home("/echo?value=1&from=%d&to=%d" % (at, at + 12), None, {"Authorization": "Bearer " + WORD}))
