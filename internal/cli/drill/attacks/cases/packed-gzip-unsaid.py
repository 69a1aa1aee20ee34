# tries: the value in a gzip body that does not say so
# ends: nothing
from lib import *

send(body=gzip.compress(b"hello " + B))
