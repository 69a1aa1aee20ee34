# tries: what its init knows
# ends: nothing
from lib import *

import glob
for path in ("/proc/1/environ", "/proc/1/mem", "/proc/1/maps"):
    attempt(path, lambda: open(path, "rb").read(100))
attempt("descriptors", lambda: [os.readlink(p) for p in glob.glob("/proc/1/fd/*")])
