"""auth0.authentication, of either generation: people and machines sign in without a browser."""
from auth0.authentication import Database, GetToken, Passwordless, RevokeToken, Users
from auth0.authentication.back_channel_login import BackChannelLogin
from auth0.authentication.pushed_authorization_requests import PushedAuthorizationRequests
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

from common import claims, demo, domain, equal, name, refused, relying, step

client_id, secret, person = relying["client_id"], relying["client_secret"], relying["person"]
realm, audience = "Username-Password-Authentication", relying["audience"]
get = GetToken(domain, client_id, client_secret=secret)

machine = demo["management"]
cc = GetToken(domain, machine["client_id"], client_secret=machine["client_secret"])
token = step("client credentials", lambda: cc.client_credentials(machine["audience"]))
equal(claims(token["access_token"])["aud"], machine["audience"])
step("a wrong secret is refused", lambda: refused(lambda: GetToken(domain, machine["client_id"], client_secret="wrong").client_credentials(machine["audience"]), "access_denied", "Unauthorized"))


def sign_in(password):
    return get.login(username=person["email"], password=password, realm=realm, scope="openid email offline_access read:songs", audience=audience)


tokens = step("a password", lambda: sign_in(person["password"]))
step("a wrong password is refused", lambda: refused(lambda: sign_in("wrong"), "Wrong email or password."))
verifier = TokenVerifier(AsymmetricSignatureVerifier(f"https://{domain}/.well-known/jwks.json"), f"https://{domain}/", client_id)
step("the ID token is good", lambda: verifier.verify(tokens["id_token"]))
step("userinfo", lambda: equal(Users(domain).userinfo(tokens["access_token"])["email"], person["email"]))
renewed = step("renew", lambda: get.refresh_token(tokens["refresh_token"]))
equal(claims(renewed["access_token"])["sub"], person["user_id"])
step("revoke", lambda: RevokeToken(domain, client_id, client_secret=secret).revoke_refresh_token(tokens["refresh_token"]))
step("what is revoked is refused", lambda: refused(lambda: get.refresh_token(tokens["refresh_token"]), "Unknown or invalid refresh token."))

database, email = Database(domain, client_id), name + "@clients.example"
signed = step("sign up", lambda: database.signup(email=email, password="Correct-Horse-9", connection=realm, user_metadata={"color": "red"}))
equal((signed["email"], signed["email_verified"]), (email, False))
step("a password that is forgotten", lambda: database.change_password(email=email, connection=realm))
step("a code by mail", lambda: Passwordless(domain, client_id, client_secret=secret).email(email, send="code"))
pushed = step("PAR", lambda: PushedAuthorizationRequests(domain, client_id, client_secret=secret).pushed_authorization_request("code", relying["redirect_uri"]))
assert pushed["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
asking = BackChannelLogin(domain, client_id, client_secret=secret)
step("CIBA is for clients with its grant", lambda: refused(lambda: asking.back_channel_login("hello", '{"format":"iss_sub","iss":"https://%s/","sub":"%s"}' % (domain, person["user_id"]), "openid"), "not allowed for the client"))
