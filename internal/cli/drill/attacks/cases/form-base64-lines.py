# tries: the value in base64, in lines of 19
# ends: nothing
from lib import *

send(body=b"data: " + b"\r\n".join(base64.b64encode(B)[i:i + 19] for i in range(0, 80, 19)) + b" .")
