# tries: the value in a deflate body without its wrapping
# ends: nothing
from lib import *

z = zlib.compressobj(wbits=-15)
send(body=z.compress(b"hello " + B) + z.flush(), headers={"Content-Encoding": "deflate"})
