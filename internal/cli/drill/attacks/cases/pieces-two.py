# tries: the value in two chunks, split at every place
# ends: nothing
from lib import *

for i in range(1, len(B), 7):
    post_chunked([b"x" * 70000, B[:i], B[i:]])
