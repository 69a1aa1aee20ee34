# tries: the value in the query
# ends: nothing
from lib import *

send("/?v=" + VALUE)
