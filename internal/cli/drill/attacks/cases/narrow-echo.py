# tries: a key that is put on, where it is allowed
# ends: nothing
from lib import *

for query in ("", "?as=base64", "?as=gzip", "?in=trailer", "?status=404"):
    keep(at_api("/v1/echo" + query))
