# tries: the value in capitals
# ends: nothing
from lib import *

send(body=b"data: " + B.upper() + b" .")
