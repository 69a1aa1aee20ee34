# tries: the value in a trailer
# ends: nothing
from lib import *

post_chunked([b"hello"], ["Trailer: X-Note"], [b"X-Note: " + B])
