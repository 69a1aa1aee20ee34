# tries: the value in hex, in the query
# ends: nothing
from lib import *

send("/?v=" + urllib.parse.quote((B.hex().encode()).decode(), safe="%"))
