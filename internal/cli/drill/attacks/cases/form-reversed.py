# tries: the value reversed
# ends: nothing
from lib import *

send(body=b"data: " + B[::-1] + b" .")
