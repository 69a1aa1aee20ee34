# tries: the value percent-encoded
# ends: nothing
from lib import *

send(body=b"data: " + "".join("%%%02x" % c for c in B).encode() + b" .")
