# tries: a request without TLS
# ends: nothing
# keeps: home
from lib import *

def plain():
    c = socket.create_connection(HOME, timeout=5)
    c.sendall(head("GET", "/echo", ["Authorization: Bearer " + WORD], host=HOME[0], port=HOME[1]))
    return b" 200 " in c.recv(4096)


attempt("an answer without TLS", plain)
