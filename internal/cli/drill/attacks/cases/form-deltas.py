# tries: the value in deltas of events, as a model's answer has them
# ends: nothing
from lib import *

send(body="".join('data: {"type":"text_delta","text":%s}\n\n' % json.dumps(VALUE[i:i + 3]) for i in range(0, len(VALUE), 3)).encode())
