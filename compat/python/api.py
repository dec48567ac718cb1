"""auth0-api-python: an API that takes the server's tokens and refuses others."""
import asyncio
import json
from importlib.metadata import version

from auth0_api_python import ApiClient, ApiClientOptions

from common import claims, domain, equal, refused, relying, step

can = []
api = ApiClient(ApiClientOptions(domain=domain, audience=relying["audience"]))
verify = lambda token: asyncio.run(api.verify_access_token(access_token=token))
got = step("a token for the API", lambda: verify(relying["access_token"]))
equal((got["sub"], "read:songs" in got["scope"].split()), (relying["person"]["user_id"], True))
can.append("verify")
header, payload, signature = relying["access_token"].split(".")
for what, token in {"a broken one": f"{header}.{payload}.{signature[:-8]}AAAAAAAA", "an ID token": relying["id_token"], "no token": "abc"}.items():
    step(what + " is refused", lambda: refused(lambda: verify(token), "VerifyAccessTokenError", "InvalidAuthSchemeError"))
equal(claims(relying["id_token"])["sub"], relying["person"]["user_id"])
can.append("refuse")
print(json.dumps({"name": "auth0-api-python", "version": version("auth0-api-python"), "can": can}))
