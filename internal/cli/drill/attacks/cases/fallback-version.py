# tries: a connection of an old TLS
# ends: nothing
from lib import *

def old():
    context = ssl.create_default_context()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context.wrap_socket(socket.create_connection(HOME, timeout=5), server_hostname=HOME[0]).version()


attempt("a connection", old)
