# tries: the value as bits, one byte a line
# ends: nothing
from lib import *

send(body="\n".join("%8s" % format(c, "08b") for c in B).encode())
