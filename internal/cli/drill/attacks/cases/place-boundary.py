# tries: the value as the boundary of a multipart body
# ends: nothing
from lib import *

send(body=b"--" + B + b"--\r\n", headers={"Content-Type": "multipart/form-data; boundary=" + VALUE})
