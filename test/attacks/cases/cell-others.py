# tries: other processes of the machine
# ends: nothing
from lib import *

attempt("processes", lambda: [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 1 and not os.path.exists("/proc/self/task/" + p) and open("/proc/%s/environ" % p, "rb").read(1) and int(p) not in (os.getpid(), os.getppid())])
