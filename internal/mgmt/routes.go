package mgmt

// routes is the table of contents: every operation that is served. A scope is enough for the row as a whole; operations that
// look closer say so where they do.
func (a *API) routes() []row {
	return []row{
		{"GET", "/users", "read:users", 200, "List or Search Users", query(a.listUsers)},
		{"POST", "/users", "create:users", 201, "Create a User", userBody(a.createUser)},
		{"GET", "/users-by-email", "read:users", 200, "Search Users by Email", query(a.usersByEmail)},
		{"GET", "/users/{id}", "read:users|read:current_user", 200, "Get a User", query(a.readUser)},
		{"PATCH", "/users/{id}", "update:users|update:users_app_metadata|update:current_user_metadata", 200, "Update a User", userBody(a.patchUser)},
		{"DELETE", "/users/{id}", "delete:users|delete:current_user", 204, "Delete a User", plain(a.deleteUser)},
		{"GET", "/users/{id}/logs", "read:logs|read:logs_users", 200, "Get user's log events", query(a.userLogs)},

		{"GET", "/clients", "read:clients|read:client_keys|read:client_credentials|read:client_summary", 200, "Get clients", query(a.listClients)},
		{"POST", "/clients", "create:clients", 201, "Create a client", body(a.createClient)},
		{"GET", "/clients/{id}", "read:clients|read:client_keys|read:client_credentials|read:client_summary", 200, "Get client by ID", query(a.readClient)},
		{"PATCH", "/clients/{id}", "update:clients|update:client_keys|update:client_credentials|update:client_token_vault_privileged_access", 200, "Update a client", body(a.updateClient)},
		{"DELETE", "/clients/{id}", "delete:clients", 204, "Delete a client", plain(a.deleteClient)},
		{"POST", "/clients/{id}/rotate-secret", "update:client_keys", 200, "Rotate a client secret", plain(a.rotateSecret)},

		{"GET", "/client-grants", "read:client_grants", 200, "Get client grants", query(a.listClientGrants)},
		{"POST", "/client-grants", "create:client_grants", 201, "Create client grant", body(a.createClientGrant)},
		{"GET", "/client-grants/{id}", "read:client_grants", 200, "Get client grant", plain(a.readClientGrant)},
		{"PATCH", "/client-grants/{id}", "update:client_grants", 200, "Update client grant", body(a.updateClientGrant)},
		{"DELETE", "/client-grants/{id}", "delete:client_grants", 204, "Delete client grant", plain(a.deleteClientGrant)},

		{"GET", "/connections", "read:connections", 200, "Get all connections", query(a.listConnections)},
		{"POST", "/connections", "create:connections", 201, "Create a connection", body(a.createConnection)},
		{"GET", "/connections/{id}", "read:connections", 200, "Get a connection", query(a.readConnection)},
		{"PATCH", "/connections/{id}", "update:connections", 200, "Update a connection", body(a.updateConnection)},
		{"DELETE", "/connections/{id}", "delete:connections", 204, "Delete a connection", plain(a.deleteConnection)},
		{"GET", "/connections/{id}/clients", "read:connections", 200, "Get enabled clients for a connection", query(a.listConnectionClients)},
		{"PATCH", "/connections/{id}/clients", "update:connections", 204, "Update enabled clients for a connection", body(a.setConnectionClients)},
		{"DELETE", "/connections/{id}/users", "delete:users", 204, "Delete a connection user", query(a.deleteConnectionUser)},

		{"GET", "/resource-servers", "read:resource_servers", 200, "Get resource servers", query(a.listResourceServers)},
		{"POST", "/resource-servers", "create:resource_servers", 201, "Create a resource server", body(a.createResourceServer)},
		{"GET", "/resource-servers/{id}", "read:resource_servers", 200, "Get a resource server", query(a.readResourceServer)},
		{"PATCH", "/resource-servers/{id}", "update:resource_servers", 200, "Update a resource server", body(a.updateResourceServer)},
		{"DELETE", "/resource-servers/{id}", "delete:resource_servers", 204, "Delete a resource server", plain(a.deleteResourceServer)},

		{"GET", "/rules", "read:rules", 200, "Get rules", query(a.listRules)},
		{"POST", "/rules", "create:rules", 201, "Create a rule", body(a.createRule)},
		{"GET", "/rules/{id}", "read:rules", 200, "Get a rule", query(a.readRule)},
		{"PATCH", "/rules/{id}", "update:rules", 200, "Update a rule", body(a.updateRule)},
		{"DELETE", "/rules/{id}", "delete:rules", 204, "Delete a rule", plain(a.deleteRule)},
		{"GET", "/rules-configs", "read:rules_configs", 200, "Get rules config variable keys", query(a.listRulesConfigs)},
		{"PUT", "/rules-configs/{key}", "update:rules_configs", 200, "Set rules config for a given key", body(a.setRulesConfig)},
		{"DELETE", "/rules-configs/{key}", "delete:rules_configs", 204, "Delete rules config for a given key", plain(a.deleteRulesConfig)},

		{"GET", "/logs", "read:logs|read:logs_users", 200, "Search log events", query(a.listLogs)},
		{"GET", "/logs/{id}", "read:logs|read:logs_users", 200, "Get a log event by id", plain(a.readLog)},

		{"GET", "/grants", "read:grants", 200, "Get grants", query(a.listGrants)},
		{"DELETE", "/grants", "delete:grants", 204, "Delete grants by user_id", query(a.deleteUserGrants)},
		{"DELETE", "/grants/{id}", "delete:grants", 204, "Delete a grant by id", plain(a.deleteGrant)},

		{"GET", "/tenants/settings", "read:tenant_settings", 200, "Get tenant settings", query(a.readTenantSettings)},
		{"PATCH", "/tenants/settings", "update:tenant_settings", 200, "Update tenant settings", body(a.updateTenantSettings)},

		{"GET", "/keys/signing", "read:signing_keys", 200, "Get all Application Signing Keys", plain(a.listSigningKeys)},
	}
}
