# tries: base64 in chunks of five
# ends: nothing
from lib import *

e = base64.b64encode(b"x" + B)
post_chunked([e[i:i + 5] for i in range(0, len(e), 5)])
