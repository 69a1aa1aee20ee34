# tries: the value behind five megabytes
# ends: nothing
from lib import *

send("/", body=b"All work and no play. " * 250000 + B)
