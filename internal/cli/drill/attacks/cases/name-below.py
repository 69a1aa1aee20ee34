# tries: a name below one that is allowed
# ends: nothing
from lib import *

attempt("a connection", lambda: connect("sub." + HOME[0], HOME[1]).version())
