# tries: a request for the one host on a connection to the other
# ends: nothing
from lib import *

for host, port in ((HOST, PORT), HOME):
    other = HOME if host == HOST else (HOST, PORT)
    r = raw(head("GET", "/echo", ["Authorization: Bearer " + WORD, "Connection: close"], host=other[0], port=other[1]), host=host, port=port)
    attempt("an answer", lambda: b" 200 " in r)
