# tries: the value as the time between two requests
# ends: documented
from lib import *

import time
c = http.client.HTTPSConnection(HOST, PORT, timeout=10)
for byte in B[:2]:
    c.request("GET", "/tick")
    c.getresponse().read()
    time.sleep(byte / 2000)
