# tries: the value in the path
# ends: nothing
from lib import *

send("/" + VALUE)
