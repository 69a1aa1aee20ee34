# tries: the value in deltas of events, as a model's answer has them
# ends: nothing
from lib import *

send(body="".join('data: {"type":"text_delta","text":%s}\n\n' % json.dumps(V[i:i + 3]) for i in range(0, len(V), 3)).encode())
