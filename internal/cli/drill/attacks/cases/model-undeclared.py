# tries: a known model host that nobody declared
# ends: nothing
from lib import *

for host in ("api.openai.com", "api.anthropic.com"):
    attempt("a connection", lambda: connect(host, 443).version())
