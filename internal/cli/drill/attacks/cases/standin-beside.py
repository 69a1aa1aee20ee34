# tries: an account of its own beside the credential, at the host that it is for
# ends: nothing
from lib import *

host, port = os.environ["HOME_HOST"].split(":")
ours = {"Authorization": "Bearer " + os.environ["STANDIN"]}
own = "theirs-0123456789abcdef"
for name in ("X-Api-Key", "x_api_key", "Api-Key", "X-Goog-Api-Key", "Private-Token", "X-Auth-Token", "DD-API-KEY", "X-Shopify-Access-Token", "X-Acme-Secret", "X-Vault-Token"):
    if send("/", None, dict(ours, **{name: own}), host=host, port=int(port)) != 403 or send("/", None, {name: own}, host=host, port=int(port)) != 403:
        print("GOT an account of its own by " + name)
for name in ("key", "access_token", "%61ccess_token", "token", "api_key", "API_KEY", "access_token[]", "sig", "X-Amz-Signature"):
    if send("/?%s=%s" % (name, own), None, ours, host=host, port=int(port)) != 403:
        print("GOT an account of its own by " + name)
for name in ("access_token", "client_secret", "a=b&access_token"):
    if send("/", "%s=%s" % (name, own), dict(ours, **{"Content-Type": "application/x-www-form-urlencoded"}), host=host, port=int(port)) != 403:
        print("GOT an account of its own by a field " + name)
if send("/", None, {"Authorization": "Bearer " + own}, host=host, port=int(port)) != 403:
    print("GOT an account of its own by Authorization")
