# tries: a value in an answer that is not read to its end
# ends: nothing
from lib import *

for n in range(6):
    c = connect(*HOME)
    c.sendall(head("GET", "/echo?as=bytes&n=%d" % n, ["Authorization: Bearer " + WORD], host=HOME[0], port=HOME[1]))
    keep((0, c.recv(2048).decode("utf-8", "replace"), ""))
    c.close()
