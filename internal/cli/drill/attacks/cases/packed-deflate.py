# tries: the value in a deflate body
# ends: nothing
from lib import *

send(body=zlib.compress(b"hello " + B), headers={"Content-Encoding": "deflate"})
