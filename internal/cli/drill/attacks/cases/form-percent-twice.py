# tries: the value percent-encoded twice
# ends: nothing
from lib import *

send(body=b"data: " + "".join("%%25%02x" % c for c in B).encode() + b" .")
