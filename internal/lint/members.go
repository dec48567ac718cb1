package lint

// members are what api has in the handlers of each trigger, beside cache, by the trigger's id. The declarations in
// internal/script/types say the same, and a test holds the two together.
var members = map[string][]string{
	"post-login": {
		"access.deny", "accessToken.addScope", "accessToken.removeScope", "accessToken.setCustomClaim",
		"authentication.challengeWith", "authentication.challengeWithAny", "authentication.enrollWith", "authentication.enrollWithAny",
		"authentication.recordMethod", "authentication.setPrimaryUser", "groups.getUserGroups", "groups.hasGroupMembership",
		"idToken.setCustomClaim", "multifactor.enable", "prompt.render", "redirect.canRedirect", "redirect.encodeToken", "redirect.sendUserTo",
		"redirect.validateToken", "refreshToken.deleteMetadata", "refreshToken.evictMetadata", "refreshToken.revoke",
		"refreshToken.setExpiresAt", "refreshToken.setIdleExpiresAt", "refreshToken.setMetadata", "roles.getUserEffectiveRoles",
		"roles.getUserEffectiveRolesByIds", "roles.getUserEffectiveRolesByNames", "rules.wasExecuted",
		"samlResponse.setAttribute", "samlResponse.setAudience", "samlResponse.setAuthnContextClassRef", "samlResponse.setCert",
		"samlResponse.setCreateUpnClaim", "samlResponse.setDestination", "samlResponse.setDigestAlgorithm", "samlResponse.setEncryptionAlgorithm",
		"samlResponse.setEncryptionCert", "samlResponse.setEncryptionPublicKey", "samlResponse.setIncludeAttributeNameFormat",
		"samlResponse.setIssuer", "samlResponse.setKey", "samlResponse.setLifetimeInSeconds", "samlResponse.setMapIdentities",
		"samlResponse.setMapUnknownClaimsAsIs", "samlResponse.setNameIdentifierFormat", "samlResponse.setNameIdentifierProbes",
		"samlResponse.setPassthroughClaimsWithNoMapping", "samlResponse.setRecipient", "samlResponse.setRelayState", "samlResponse.setSignResponse",
		"samlResponse.setSignatureAlgorithm", "samlResponse.setSigningCert", "samlResponse.setTypedAttributes",
		"session.deleteMetadata", "session.evictMetadata", "session.revoke", "session.setCookieMode", "session.setExpiresAt",
		"session.setIdleExpiresAt", "session.setMetadata", "transaction.setMetadata", "user.setAppMetadata", "user.setUserMetadata",
		"validation.error",
	},
	"credentials-exchange": {
		"access.deny", "accessToken.setCustomClaim", "transaction.addTargetScope", "transaction.clearTargetScopes",
		"transaction.removeTargetScope", "transaction.setTargetScopes",
	},
	"pre-user-registration":  {"access.deny", "user.setAppMetadata", "user.setUserMetadata", "validation.error"},
	"post-user-registration": {},
	"post-change-password":   {},
	"send-phone-message":     {},
	"password-reset-post-challenge": {
		"access.deny", "authentication.challengeWith", "authentication.challengeWithAny", "prompt.render", "redirect.encodeToken",
		"redirect.sendUserTo", "redirect.validateToken", "transaction.setResultUrl",
	},
	"login-post-identifier":   {"authentication.setConnectionByName"},
	"signup-post-identifier":  {"authentication.setConnectionByName"},
	"password-hash-migration": {"password.accept", "password.reject"},
	"custom-email-provider":   {"notification.drop", "notification.retry"},
	"custom-phone-provider":   {"notification.drop", "notification.retry"},
	"event-stream":            {},
	"custom-token-exchange": {
		"access.deny", "access.rejectInvalidSubjectToken", "authentication.setActor", "authentication.setOrganization",
		"authentication.setUserByConnection", "authentication.setUserById", "user.setAppMetadata", "user.setUserMetadata",
	},
}

// ofCache are the members of api.cache, which every trigger has.
var ofCache = []string{"cache.delete", "cache.get", "cache.set"}
