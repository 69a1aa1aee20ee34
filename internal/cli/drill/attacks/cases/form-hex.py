# tries: the value in hex
# ends: nothing
from lib import *

send(body=b"data: " + B.hex().encode() + b" .")
