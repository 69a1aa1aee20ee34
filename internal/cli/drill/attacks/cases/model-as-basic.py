# tries: the value as a password of a request to a model, in a Basic pair and in a parameter for keys
# ends: nothing
from lib import *

send("/v1/messages?key=" + VALUE, body=b"{}", host=MODEL_HOST, port=MODEL_PORT)
send("/v1/messages", body=b"{}", headers={"Authorization": "Basic " + base64.b64encode(b"key:" + B).decode()}, host=MODEL_HOST, port=MODEL_PORT)
