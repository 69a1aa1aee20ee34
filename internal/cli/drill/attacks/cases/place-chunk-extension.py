# tries: the value in a chunk extension
# ends: nothing
from lib import *

raw(head(headers=["Transfer-Encoding: chunked"]) + b"5;v=" + B + b"\r\nhello\r\n0\r\n\r\n")
