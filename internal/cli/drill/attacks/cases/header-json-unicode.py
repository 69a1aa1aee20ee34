# tries: the value in JSON escapes, in a header
# ends: nothing
from lib import *

send(headers={"X-Note": ("".join("\\u%04x" % c for c in B).encode()).decode()})
