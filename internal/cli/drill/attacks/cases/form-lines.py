# tries: the value in base64, in lines with a time and a name before each
# ends: nothing
from lib import *

T = base64.b64encode(B).decode()
send(body="".join("2026-11-30T10:00:%02dZ web-1 | %s\n" % (i, T[i:i + 12]) for i in range(0, len(T), 12)).encode())
