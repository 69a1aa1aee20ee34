# tries: the value as the method
# ends: nothing
from lib import *

raw(head(method="".join(c for c in VALUE if c.isalnum() or c in "-_"), headers=["Content-Length: 0"]))
