# tries: the value as JSON in JSON
# ends: nothing
from lib import *

send(body=b"data: " + json.dumps(json.dumps("".join("\\u%04x" % c if i % 3 == 0 else chr(c) for i, c in enumerate(B)))).encode() + b" .")
