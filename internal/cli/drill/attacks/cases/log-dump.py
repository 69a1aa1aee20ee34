# tries: the value in the log, dumped and in numbers
# ends: nothing
from lib import *

for i in range(0, len(B), 16):
    print("%04x: %-47s %s" % (i, B[i:i + 16].hex(" "), B[i:i + 16].decode()))
print(list(B), base64.b64encode(base64.b64encode(B)).decode())
