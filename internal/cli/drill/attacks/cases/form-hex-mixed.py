# tries: the value in hex of changing case
# ends: nothing
from lib import *

send(body=b"data: " + "".join(c.upper() if i % 3 else c for i, c in enumerate(B.hex())).encode() + b" .")
