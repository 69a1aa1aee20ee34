# tries: a value on an error page
# ends: nothing
from lib import *

for n in (0, 5, 11):
    keep(at_home("/echo?status=404&n=%d" % n, None, {"Authorization": "Bearer " + WORD}))
