# tries: the value in base64
# ends: nothing
from lib import *

send(body=b"data: " + base64.b64encode(B) + b" .")
