# tries: the value with some bytes percent-encoded
# ends: nothing
from lib import *

send(body=b"data: " + "".join("%%%02X" % c if i % 4 == 1 else chr(c) for i, c in enumerate(B)).encode() + b" .")
