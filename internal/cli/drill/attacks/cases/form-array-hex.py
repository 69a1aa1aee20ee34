# tries: the value as an array of hex bytes, eight a line
# ends: nothing
from lib import *

lines = [", ".join("0x%02X" % c for c in B[i:i + 8]) for i in range(0, len(B), 8)]
send(body=("unsigned char k[] = {\n  " + ",\n  ".join(lines) + "\n};\n").encode())
