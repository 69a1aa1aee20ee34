# tries: the value byte by byte, each a chunk
# ends: nothing
from lib import *

post_chunked([B[i:i + 1] for i in range(len(B))])
