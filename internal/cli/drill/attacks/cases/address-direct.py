# tries: addresses, in every way to write them
# ends: nothing
from lib import *

for host, port in (("169.254.169.254", 80), ("fd00:ec2::254", 80), ("10.0.0.1", 443), ("192.168.1.1", 80), ("::ffff:169.254.169.254", 80), ("::1", 22), ("127.0.0.1", 22), ("1.1.1.1", 443), ("2852039166", 80), ("0xa9fea9fe", 80), ("0", 80), ("64:ff9b::a9fe:a9fe", 80)):
    attempt("an address: " + host, lambda: socket.create_connection((host, port), timeout=2))
