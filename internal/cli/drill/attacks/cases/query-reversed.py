# tries: the value reversed, in the query
# ends: nothing
from lib import *

send("/?v=" + urllib.parse.quote((B[::-1]).decode(), safe="%"))
