# tries: the value in base64, two bytes further
# ends: nothing
from lib import *

send(body=b"data: " + base64.b64encode(b"u:" + B + b":tail") + b" .")
