# tries: the value in a header
# ends: nothing
from lib import *

send(headers={"X-Note": VALUE})
