# tries: the value in capital hex
# ends: nothing
from lib import *

send(body=b"data: " + B.hex().upper().encode() + b" .")
