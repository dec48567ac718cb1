"""auth0.management of generation 4: one client per noun, bodies as dictionaries."""
from auth0.authentication import GetToken
from auth0.management import Auth0

from common import demo, domain, equal, name, refused, step

own = demo["management"]
m = Auth0(domain, GetToken(domain, own["client_id"], client_secret=own["client_secret"]).client_credentials(own["audience"])["access_token"])

client = step("a client", lambda: m.clients.create({"name": name, "app_type": "regular_web", "oidc_conformant": True}))
connection = step("a connection", lambda: m.connections.create({"name": name, "strategy": "auth0", "enabled_clients": [client["client_id"]]}))
user = step("a user", lambda: m.users.create({"connection": name, "email": name + "@clients.example", "password": "Correct-Horse-9", "user_metadata": {"color": "red"}}))
user_id = user["user_id"]
step("metadata are merged", lambda: equal(m.users.update(user_id, {"user_metadata": {"size": 2}})["user_metadata"], {"color": "red", "size": 2}))
found = step("search", lambda: m.users.list(q=f'user_metadata.color:red AND email:"{user["email"]}"', search_engine="v3"))
equal([u["user_id"] for u in found["users"]], [user_id])
step("by mail", lambda: equal(m.users_by_email.search_users_by_email(user["email"])[0]["user_id"], user_id))
api = step("an API", lambda: m.resource_servers.create({"identifier": "https://" + name, "scopes": [{"value": "read:songs"}]}))
role = step("a role", lambda: m.roles.create({"name": name, "description": "d"}))
step("its permissions", lambda: m.roles.add_permissions(role["id"], [{"resource_server_identifier": api["identifier"], "permission_name": "read:songs"}]))
step("a user's roles", lambda: m.users.add_roles(user_id, [role["id"]]))
equal(m.users.list_roles(user_id)["roles"][0]["name"], name)
equal(m.users.list_permissions(user_id)["permissions"][0]["permission_name"], "read:songs")
org = step("an organization", lambda: m.organizations.create_organization({"name": name}))
step("its members", lambda: m.organizations.create_organization_members(org["id"], {"members": [user_id]}))
equal(m.organizations.all_organization_members(org["id"])["members"][0]["user_id"], user_id)
rule = step("a rule", lambda: m.rules.create({"name": name, "script": "function (user, context, callback) { callback(null, user, context) }", "enabled": False}))
action = step("an action", lambda: m.actions.create_action({"name": name, "supported_triggers": [{"id": "post-login", "version": "v3"}], "code": "exports.onExecutePostLogin = async () => {}"}))
step("a ticket", lambda: m.tickets.create_pswd_change({"user_id": user_id}))
step("the log", lambda: equal(m.logs.search(per_page=1, include_totals=True)["length"], 1))
step("what is not there", lambda: refused(lambda: m.users.get("auth0|nobody"), "404", "inexistent_user"))
step("deleting", lambda: [m.actions.delete_action(action["id"]), m.rules.delete(rule["id"]), m.organizations.delete_organization(org["id"]), m.roles.delete(role["id"]),
                          m.resource_servers.delete(api["id"]), m.users.delete(user_id), m.connections.delete(connection["id"]), m.clients.delete(client["client_id"])])
