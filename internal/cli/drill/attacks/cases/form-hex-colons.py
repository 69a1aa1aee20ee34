# tries: the value in hex with colons
# ends: nothing
from lib import *

send(body=b"data: " + B.hex(":").encode() + b" .")
