# tries: the value in UTF-16
# ends: nothing
from lib import *

send(body=b"data: " + VALUE.encode("utf-16-le") + b" .")
