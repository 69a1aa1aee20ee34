# tries: the value as the name of a query parameter
# ends: nothing
from lib import *

send("/?" + VALUE + "=1")
