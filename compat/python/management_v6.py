"""auth0.management of generation 6: every answer is checked against the types that the SDK has of it, and every list that needs no argument is read."""
import inspect

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

from common import demo, domain, equal, name, refused, step

own = demo["management"]
m = ManagementClient(domain=domain, client_id=own["client_id"], client_secret=own["client_secret"], audience=own["audience"])

client = step("a client", lambda: m.clients.create(name=name, app_type="regular_web", oidc_conformant=True, client_metadata={"team": name}, organization_usage="allow", initiate_login_uri="https://app.example/login"))
step("a client is found", lambda: equal([c.client_id for c in m.clients.search(q=f'metadata.team eq "{name}"', parser="scim")], [client.client_id]))
connection = step("a connection", lambda: m.connections.create(name=name, strategy="auth0", enabled_clients=[client.client_id]))
user = step("a user", lambda: m.users.create(connection=name, email=name + "@clients.example", password="Correct-Horse-9", user_metadata={"color": "red"}, app_metadata={"plan": "gold"}))
step("metadata are merged", lambda: equal(m.users.update(user.user_id, user_metadata={"size": 2}).user_metadata, {"color": "red", "size": 2}))
step("search", lambda: equal([u.user_id for u in m.users.list(q=f'app_metadata.plan:gold AND email:"{user.email}"', search_engine="v3")], [user.user_id]))
step("by mail", lambda: equal(m.users.list_users_by_email(email=user.email)[0].user_id, user.user_id))
api = step("an API", lambda: m.resource_servers.create(identifier="https://" + name, scopes=[{"value": "read:songs"}]))
grant = step("a grant", lambda: m.client_grants.create(client_id=client.client_id, audience=api.identifier, scope=["read:songs"]))
role = step("a role", lambda: m.roles.create(name=name, description="d"))
step("its permissions", lambda: m.roles.permissions.add(role.id, permissions=[{"resource_server_identifier": api.identifier, "permission_name": "read:songs"}]))
step("a user's roles", lambda: m.users.roles.assign(user.user_id, roles=[role.id]))
equal([r.name for r in m.users.roles.list(user.user_id)], [name])
equal([p.permission_name for p in m.users.permissions.list(user.user_id)], ["read:songs"])
org = step("an organization", lambda: m.organizations.create(name=name, display_name="Every", branding={"colors": {"primary": "#ff0000", "page_background": "#ffffff"}}))
step("its connections", lambda: m.organizations.enabled_connections.add(org.id, connection_id=connection.id, assign_membership_on_login=True))
step("its members", lambda: m.organizations.members.create(org.id, members=[user.user_id]))
equal([u.user_id for u in m.organizations.members.list(org.id)], [user.user_id])
step("an invitation", lambda: m.organizations.invitations.create(org.id, inviter={"name": "Ada"}, invitee={"email": name + "@guests.example"}, client_id=client.client_id, send_invitation_email=False))
step("a domain", lambda: m.organizations.discovery_domains.create(org.id, domain=name + ".example"))
rule = step("a rule", lambda: m.rules.create(name=name, script="function (user, context, callback) { callback(null, user, context) }", enabled=False))
action = step("an action", lambda: m.actions.create(name=name, supported_triggers=[{"id": "post-login", "version": "v3"}], code="exports.onExecutePostLogin = async () => {}", secrets=[{"name": "A", "value": "b"}]))
step("its version", lambda: m.actions.deploy(action.id))
step("a second factor", lambda: m.users.authentication_methods.create(user.user_id, type="phone", phone_number="+15555550100", preferred_authentication_method="sms"))
equal([a.type for a in m.users.authentication_methods.list(user.user_id)], ["phone"])
step("a job", lambda: m.jobs.get(m.jobs.users_exports.create(format="json", limit=5, connection_id=connection.id).id))
step("a ticket", lambda: m.tickets.change_password(user_id=user.user_id))
stream = step("a log stream", lambda: m.log_streams.create(request={"type": "http", "name": name, "sink": {"httpEndpoint": "https://logs.example/x"}}))
form = step("a form", lambda: m.forms.create(name=name, languages={"primary": "en"}, nodes=[], start={"next_node": "$ending"}, ending={"resume_flow": True}))
step("what is not there", lambda: refused(lambda: m.users.get("auth0|nobody"), "inexistent_user"))


def lists(of, path=""):
    """Every method of a client, and of those in it, that reads something and needs no argument."""
    for member in dir(type(of)):
        if member.startswith("_") or member == "with_raw_response":
            continue
        value = getattr(of, member)
        if type(value).__name__.endswith("Client"):
            yield from lists(value, f"{path}.{member}")
        elif inspect.ismethod(value) and member.startswith(("get", "list", "search", "read")):
            if all(p.default is not p.empty for p in inspect.signature(value).parameters.values()):
                yield f"{path}.{member}"[1:], value


# What is not there until somebody makes it, and what the server does not serve.
ABSENT = {"branding.templates.get_universal_login", "branding.themes.get_default", "emails.provider.get", "keys.custom_signing.get"}
UNSERVED = ("agents.", "client_profiles.", "experimentation.", "keys.network_acls.")


def read_all():
    n = 0
    for path, call in lists(m):
        if path == "events.subscribe" or path.startswith(UNSERVED):
            continue
        try:
            call(request_options={"max_retries": 0})
        except ApiError as e:
            assert path in ABSENT, f"{path}: {e}"
        n += 1
    assert n > 60, n


step("every list", read_all)
step("deleting", lambda: [m.forms.delete(form.id), m.log_streams.delete(stream.id), m.actions.delete(action.id), m.rules.delete(rule.id), m.organizations.delete(org.id), m.roles.delete(role.id),
                          m.client_grants.delete(grant.id), m.resource_servers.delete(api.id), m.users.delete(user.user_id), m.connections.delete(connection.id), m.clients.delete(client.client_id)])
