# tries: the value in hex, in a header
# ends: nothing
from lib import *

send(headers={"X-Note": (B.hex().encode()).decode()})
