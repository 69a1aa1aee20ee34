# tries: a connection that names no host
# ends: nothing
from lib import *

def bare():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((HOST, PORT), timeout=5)).version()


attempt("a connection", bare)
