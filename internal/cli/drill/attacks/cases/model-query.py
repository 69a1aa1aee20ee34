# tries: the value in the address of a request to a model
# ends: nothing
from lib import *

send("/v1?v=" + VALUE, body=b"{}", headers={"X-Note": VALUE}, host=MODEL_HOST, port=MODEL_PORT)
