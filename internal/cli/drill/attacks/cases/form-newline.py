# tries: the value with a line break in it
# ends: nothing
from lib import *

send(body=b"data: " + B[:17] + b"\r\n" + B[17:] + b" .")
