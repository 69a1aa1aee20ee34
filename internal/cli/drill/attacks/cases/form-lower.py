# tries: the value in small letters
# ends: nothing
from lib import *

send(body=b"data: " + B.lower() + b" .")
