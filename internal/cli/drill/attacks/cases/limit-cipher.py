# tries: the value under a cipher of its own
# ends: documented
from lib import *

send(body=bytes(b ^ 0x55 for b in B))
