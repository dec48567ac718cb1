// Package xmlsig makes and reads signed messages of SAML 2.0 with crewjam/saml, goxmldsig and etree, and is the only room that knows them.
//
//	Own      who we are towards an identity provider: names, addresses, key
//	Party    whom we trust: its name, addresses and certificates
//	Request  sends a person there; Read takes what they come back with; Logout sends them to sign out
//	ReadLogout reads a provider's word that somebody has signed out there, LogoutAnswer answers it
//	ReadAuthn reads a client's request to sign somebody in; Issuer answers it with Answer or Refuse, and says of itself what Describe writes
//	Issue    plays the identity provider, for the stand-in
//
// A signature counts only if it is over the whole response or the whole assertion that is read, with a certificate of the connection, and of SHA-256
// or better; what the message itself brings along of keys is not looked at. It serves SAML 2.0 core, bindings and profiles (OASIS, 2005).
package xmlsig
