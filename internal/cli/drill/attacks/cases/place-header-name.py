# tries: the value as the name of a header
# ends: nothing
from lib import *

send(headers={VALUE.replace("/", "").replace("+", "").replace("=", ""): "1"})
