# tries: the value in hex in base64 for URLs
# ends: nothing
from lib import *

send(body=b"k=" + base64.urlsafe_b64encode(b"hex:" + B.hex().encode()))
