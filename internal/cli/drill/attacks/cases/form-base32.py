# tries: the value in base32
# ends: nothing
from lib import *

send(body=b"data: " + base64.b32encode(B) + b" .")
