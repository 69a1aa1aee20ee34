# tries: the value after the end of a gzip body
# ends: nothing
from lib import *

send(body=gzip.compress(b"hello ") + B, headers={"Content-Encoding": "gzip"})
