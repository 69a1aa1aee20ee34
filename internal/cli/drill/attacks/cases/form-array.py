# tries: the value as an array of decimal bytes
# ends: nothing
from lib import *

send(body=json.dumps({"type": "Buffer", "data": list(B)}).encode())
