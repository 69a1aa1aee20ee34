# tries: the value in a body
# ends: nothing
from lib import *

send(body=b"note=" + B)
