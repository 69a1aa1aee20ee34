# tries: the value in a cookie
# ends: nothing
from lib import *

send(headers={"Cookie": "a=1; session=%s; b=2" % VALUE})
