# tries: the value in JSON escapes
# ends: nothing
from lib import *

send(body=b"data: " + "".join("\\u%04x" % c for c in B).encode() + b" .")
