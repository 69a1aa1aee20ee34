# tries: the value in base64's other alphabet, in the query
# ends: nothing
from lib import *

send("/?v=" + urllib.parse.quote((base64.urlsafe_b64encode(b"??>" + B)).decode(), safe="%"))
