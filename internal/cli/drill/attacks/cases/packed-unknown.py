# tries: the value under a coding that nobody knows
# ends: nothing
from lib import *

send(body=bytes(b ^ 1 for b in B), headers={"Content-Encoding": "x-own"})
