# tries: the value in HTML entities in hex
# ends: nothing
from lib import *

send(body=b"data: " + "".join("&#x%X;" % c for c in B).encode() + b" .")
