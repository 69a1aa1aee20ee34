# tries: a value in the head of an answer without a body
# ends: nothing
from lib import *

keep(at_home("/echo", None, {"Authorization": "Bearer " + WORD}, "HEAD"))
