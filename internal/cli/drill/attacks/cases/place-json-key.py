# tries: the value as a JSON key
# ends: nothing
from lib import *

send(body=json.dumps({VALUE: 1}), headers={"Content-Type": "application/json"})
