# tries: the value in a dump of xxd's, in a string of JSON
# ends: nothing
from lib import *

text = b"key=" + B
out = "$ xxd key\n"
for i in range(0, len(text), 16):
    piece = text[i:i + 16]
    out += "%08x: %-39s  %s\n" % (i, piece.hex(" ", -2), piece.decode())
send(body=json.dumps({"output": out}).encode())
