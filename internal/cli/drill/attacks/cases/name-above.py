# tries: the name above one that is allowed
# ends: nothing
from lib import *

attempt("a connection", lambda: connect(HOME[0].split(".", 1)[1], HOME[1]).version())
