# tries: a known model host that nobody declared
# ends: nothing
from lib import *

for host in ("api.openai.com", "api.anthropic.com"):
    attempt("a connection", lambda: socket.create_connection((host, 443), timeout=2))
