# tries: the value under two codings
# ends: nothing
from lib import *

send(body=gzip.compress(zlib.compress(b"hello " + B)), headers={"Content-Encoding": "deflate, gzip"})
