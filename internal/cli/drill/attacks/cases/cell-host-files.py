# tries: files of the machine
# ends: nothing
from lib import *

for path in ("/etc/shadow", "/root", "/var/lib", "/home/ubuntu", "/run/hotcell", "/sys/kernel"):
    attempt(path, lambda: os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(50))
