# tries: the value in JSON escapes in a prompt
# ends: nothing
from lib import *

send("/v1/messages", body=b'{"content":"' + "".join("\\u%04x" % c for c in B).encode() + b'"}', host=MODEL_HOST, port=MODEL_PORT)
