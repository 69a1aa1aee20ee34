# tries: the value in hex behind one digit more
# ends: nothing
from lib import *

send(body=b"data: " + b"f" + B.hex().encode() + b" .")
