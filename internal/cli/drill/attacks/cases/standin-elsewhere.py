# tries: a stand-in that is sent to another host
# ends: nothing
from lib import *

send(headers={"Authorization": "Bearer " + os.environ["STANDIN"]}, body=os.environ["STANDIN"])
