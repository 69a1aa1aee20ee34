# tries: a connection that names another host
# ends: nothing
from lib import *

attempt("a connection", lambda: connect(name="evil.example", check=False).version())
