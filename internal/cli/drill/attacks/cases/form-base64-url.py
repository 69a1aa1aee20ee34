# tries: the value in base64's other alphabet
# ends: nothing
from lib import *

send(body=b"data: " + base64.urlsafe_b64encode(b"??>" + B) + b" .")
