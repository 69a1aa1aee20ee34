# tries: a header of the house's own
# ends: nothing
from lib import *

r = raw(head(headers=["Hotcell-Use: att_1", "Content-Length: 0"]))
attempt("an answer", lambda: b" 200 " in r)
