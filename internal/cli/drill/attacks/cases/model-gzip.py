# tries: the value in a prompt, packed
# ends: nothing
from lib import *

send("/", body=gzip.compress(B), headers={"Content-Encoding": "gzip"}, host=MODEL_HOST, port=MODEL_PORT)
