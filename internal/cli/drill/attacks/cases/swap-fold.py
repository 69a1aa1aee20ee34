# tries: a stand-in in a folded header
# ends: nothing
# keeps: home
from lib import *

home_raw(head("GET", headers=["X-Note: a", " " + WORD], host=HOME[0], port=HOME[1]))
