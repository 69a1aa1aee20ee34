# tries: another port of a host that is allowed
# ends: nothing
from lib import *

attempt("a connection", lambda: connect(HOME[0], PORT).version())
