# tries: a stand-in in two parameters, next to each other
# ends: nothing
# keeps: home
from lib import *

at_home("/?a=%s&%s" % (WORD[:12], WORD[12:]))
