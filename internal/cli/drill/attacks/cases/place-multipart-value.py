# tries: the value as a part of a multipart body
# ends: nothing
from lib import *

b = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n%s\r\n--x--\r\n" % VALUE
send(body=b.encode(), headers={"Content-Type": "multipart/form-data; boundary=x"})
