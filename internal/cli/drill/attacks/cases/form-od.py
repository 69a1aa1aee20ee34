# tries: the value in a dump of od's, in words of two bytes
# ends: nothing
from lib import *

text = B + b"\n" * (2 - len(B) % 2)
out = ""
for i in range(0, len(text), 16):
    out += "%07o" % i + "".join(" %06o" % w for w in struct.unpack("<%dH" % (len(text[i:i + 16]) // 2), text[i:i + 16])) + "\n"
send(body=out.encode())
