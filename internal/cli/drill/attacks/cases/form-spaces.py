# tries: the value with a space after each second character
# ends: nothing
from lib import *

send(body=b" ".join(B[i:i + 2] for i in range(0, len(B), 2)))
