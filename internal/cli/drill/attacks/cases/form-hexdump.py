# tries: the value in a dump of hexdump's
# ends: nothing
from lib import *

text = b"key: " + B
out = ""
for i in range(0, len(text), 16):
    piece = text[i:i + 16]
    left, right = piece[:8].hex(" "), piece[8:].hex(" ")
    out += "%08x  %-23s  %-23s  |%s|\n" % (i, left, right, piece.decode())
send(body=out.encode())
