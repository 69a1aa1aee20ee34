# tries: other processes of the machine
# ends: nothing
from lib import *

def others():
    own = b"HOTCELL_JOB=" + os.environ["HOTCELL_JOB"].encode()
    return [p for p in os.listdir("/proc") if p.isdigit() and own not in open("/proc/%s/environ" % p, "rb").read()]


attempt("other processes", others)
