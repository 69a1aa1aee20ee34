# tries: the value in packets to a resolver
# ends: nothing
from lib import *

import socket as s
q = s.socket(s.AF_INET, s.SOCK_DGRAM)
q.settimeout(1)
for to in (("8.8.8.8", 53), ("1.1.1.1", 53), ("192.0.2.1", 53)):
    try:
        q.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0" + B[:60], to)
        q.recv(10)
        print("GOT an answer from", to)
    except OSError:
        pass
