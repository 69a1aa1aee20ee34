# tries: abstract sockets of the machine
# ends: nothing
from lib import *

attempt("abstract sockets", lambda: [l for l in open("/proc/net/unix").read().split("\n")[1:] if "@" in l])
