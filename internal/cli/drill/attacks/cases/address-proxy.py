# tries: addresses, by the proxy
# ends: nothing
from lib import *

for target in ("169.254.169.254:80", "[fd00:ec2::254]:80", "10.0.0.1:443", "192.168.1.1:80", "[::ffff:169.254.169.254]:80", "[::1]:22", "127.0.0.1:22", "1.1.1.1:443", "2852039166:80", "0xa9fea9fe:80", "0:80", "[64:ff9b::a9fe:a9fe]:80"):
    c = socket.create_connection(("127.0.0.1", 3128), timeout=5)
    c.sendall(("CONNECT %s HTTP/1.1\r\n\r\n" % target).encode())
    attempt("an address: " + target, lambda: b" 200 " in c.recv(4096))
