# tries: the value in base64, in a header
# ends: nothing
from lib import *

send(headers={"X-Note": (base64.b64encode(B)).decode()})
