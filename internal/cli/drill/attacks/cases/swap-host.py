# tries: a stand-in as the name of the host
# ends: nothing
# keeps: home
from lib import *

home_raw(head("GET", host=WORD.replace("_", "-") + "." + HOME[0], port=HOME[1]))
