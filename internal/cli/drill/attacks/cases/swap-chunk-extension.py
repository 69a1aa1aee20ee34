# tries: a stand-in in the extension of a chunk
# ends: nothing
# keeps: home
from lib import *

home_raw(head(headers=["Transfer-Encoding: chunked", "Connection: close"], host=HOME[0], port=HOME[1]) + b"2;note=" + WORD.encode() + b"\r\nab\r\n0\r\n\r\n")
