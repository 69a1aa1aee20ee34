# tries: the value in HTML entities
# ends: nothing
from lib import *

send(body=b"data: " + "".join("&#%d;" % c for c in B).encode() + b" .")
