# tries: the value in the second member of a gzip body
# ends: nothing
from lib import *

send(body=gzip.compress(b"hello ") + gzip.compress(B), headers={"Content-Encoding": "gzip"})
