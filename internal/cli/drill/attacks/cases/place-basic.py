# tries: the value as the password of a Basic pair
# ends: nothing
from lib import *

send(headers={"Authorization": "Basic " + base64.b64encode(("ada:" + VALUE).encode()).decode()})
