# tries: the value in escapes of the shell
# ends: nothing
from lib import *

send(body=b"data: " + "".join("\\x%02x" % c for c in B).encode() + b" .")
