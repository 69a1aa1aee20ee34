# tries: the value in a prompt, packed without saying so
# ends: nothing
from lib import *

send("/", body=gzip.compress(B), host=MODEL_HOST, port=MODEL_PORT)
