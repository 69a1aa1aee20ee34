# tries: the value percent-encoded, in the query
# ends: nothing
from lib import *

send("/?v=" + ("".join("%%%02x" % c for c in B).encode()).decode())
