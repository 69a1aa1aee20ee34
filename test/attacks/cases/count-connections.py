# tries: three hundred connections at once
# ends: nothing
from lib import *

held = []
try:
    for n in range(300):
        held.append(connect(*HOME))
except OSError:
    pass
if len(held) == 300:
    print("GOT three hundred connections")
