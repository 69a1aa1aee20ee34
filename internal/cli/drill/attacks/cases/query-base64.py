# tries: the value in base64, in the query
# ends: nothing
from lib import *

send("/?v=" + urllib.parse.quote((base64.b64encode(B)).decode(), safe="%"))
