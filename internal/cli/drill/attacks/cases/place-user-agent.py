# tries: the value as the user agent
# ends: nothing
from lib import *

send(headers={"User-Agent": "Mozilla/5.0 " + VALUE})
