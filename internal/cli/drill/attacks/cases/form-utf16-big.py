# tries: the value in UTF-16, big-endian
# ends: nothing
from lib import *

send(body=b"data: " + VALUE.encode("utf-16-be") + b" .")
