# tries: a stand-in within a query of GraphQL
# ends: nothing
# keeps: home
from lib import *

if (at_home("/graphql", json.dumps({"query": "{a(token:\"%s\")}" % WORD}), {"Content-Type": "application/json"}) or [403])[0] not in (400, 403):
    print("GOT an answer, where it should be refused")
