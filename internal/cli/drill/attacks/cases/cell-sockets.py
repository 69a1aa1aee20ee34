# tries: sockets of the machine, by path
# ends: nothing
from lib import *

attempt("sockets", lambda: [p for top in ("/run", "/tmp", "/var", "/dev") for p, _, n in os.walk(top) for f in n if f.endswith((".sock", ".socket"))])
