# tries: the value with a terminal's colours in it
# ends: nothing
from lib import *

send(body=b"data: " + B[:11] + b"\x1b[31m" + B[11:] + b" .")
