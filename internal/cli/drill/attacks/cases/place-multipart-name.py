# tries: the value as the name of a part
# ends: nothing
from lib import *

b = "--x\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"a\"\r\n\r\n1\r\n--x--\r\n" % VALUE
send(body=b.encode(), headers={"Content-Type": "multipart/form-data; boundary=x"})
