# tries: an allowed host on another port
# ends: nothing
from lib import *

attempt("a connection", lambda: socket.create_connection((HOST, 22), timeout=2))
