# tries: the value as a bearer token
# ends: nothing
from lib import *

send(headers={"Authorization": "Bearer " + VALUE})
