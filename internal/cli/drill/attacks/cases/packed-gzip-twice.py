# tries: the value in gzip in gzip
# ends: nothing
from lib import *

send(body=gzip.compress(gzip.compress(b"hello " + B)), headers={"Content-Encoding": "gzip"})
