# tries: the address of a host that is allowed, as a number
# ends: nothing
from lib import *

for address in ("2130706433", "0x7f000001", "127.1", "0", "::1", "::ffff:127.0.0.1"):
    attempt("a connection to " + address, lambda: connect(address, HOME[1], name=HOME[0]).version())
