// What has to be said of a connection, by its strategy: the fields of its options. Fields that several have are the same for all.
const id = ["text", "Client ID", { required: true, hint: "Of the application that you registered there." }];
const secret = ["text", "Client secret", { type: "password", autocomplete: "new-password", hint: "Kept as it is unless you type a new one." }];
const more = ["lines", "Further scopes", { hint: "What to ask for beyond the profile. One to a line." }];
const scope = ["text", "Scopes", { first: "openid profile email" }];
const aliases = ["lines", "Domains of their addresses", { hint: "Who types such an address at the login is sent there. One to a line." }];
const home = ["text", "Domain of the company there", { hint: "Such as example.com." }];
const url = ["text", "Address for logins there"];

const closed = ["check", "Nobody can sign up", { hint: "People are made here, or by the Management API." }];

// code is of connections that send codes. A name with a dot is that of a member of an object.
const code = { "totp.length": ["number", "Digits of a code", { hint: "Nothing: 6." }], "totp.time_step": ["number", "Seconds for which a code works", { hint: "Nothing: 180." }], disable_signup: closed };

const social = { client_id: id, client_secret: secret, freeform_scopes: more };

// strategies are those that can be chosen: what each is called, its fields, and whether it is of a company.
export const strategies = {
  auth0: ["Database", {
    passwordPolicy: ["select", "Passwords", { options: [["", "as is usual"], ["none", "any"], ["low", "6 characters"], ["fair", "8, with small and large letters and digits"], ["good", "8, of three kinds of four"], ["excellent", "10, of three kinds of four, none thrice in a row"]] }],
    disable_signup: closed, requires_username: ["check", "People have a username"],
  }],
  email: ["Codes by mail", {
    "email.subject": ["text", "Subject of the mail", { hint: "Liquid works in it." }], "email.from": ["text", "Address that the mail comes from", { hint: "Nothing: the provider's." }],
    "email.body": ["code", "The mail", { rows: 10, hint: "HTML with Liquid: {{ code }}, or {{ link }} where send is link, {{ application.name }}. Nothing: the mail auth_email_by_code." }], ...code,
  }],
  sms: ["Codes by text message", {
    template: ["area", "The message", { hint: "Liquid works in it: {{ code }}, {{ application.name }}. Nothing: the text message otp_verify." }],
    twilio_sid: ["text", "Account SID at Twilio", { hint: "Only for an account of this connection's own; else the provider of the tenant brings the messages." }], twilio_token: ["text", "Auth token at Twilio", secret[2]],
    from: ["text", "Number that messages come from", { hint: "Such as +15550100." }], messaging_service_sid: ["text", "Messaging service SID"], ...code,
  }],
  "google-oauth2": ["Google", social],
  apple: ["Apple", {
    client_id: id, team_id: ["text", "Team ID", { required: true }], kid: ["text", "Key ID", { required: true }],
    app_secret: ["area", "Private key", { hint: "The file that begins with BEGIN PRIVATE KEY." }],
  }],
  github: ["GitHub", social], facebook: ["Facebook", social], windowslive: ["Microsoft, personal accounts", social], linkedin: ["LinkedIn", social], twitter: ["X", social],
  oidc: ["OpenID Connect", {
    discovery_url: ["text", "Address of its configuration", { hint: "Ends with /.well-known/openid-configuration. The other addresses are read from it." }], client_id: id, client_secret: secret, scope, domain_aliases: aliases,
  }, true],
  okta: ["Okta", { domain: ["text", "Domain at Okta", { required: true, hint: "Such as example.okta.com." }], client_id: id, client_secret: secret, scope, domain_aliases: aliases }, true],
  waad: ["Microsoft Entra ID", { tenant_domain: home, client_id: id, client_secret: secret, domain_aliases: aliases }, true],
  "google-apps": ["Google Workspace", { tenant_domain: home, client_id: id, client_secret: secret, domain_aliases: aliases }, true],
  samlp: ["SAML 2.0", {
    metadataUrl: ["text", "Address of its metadata", { hint: "The two below are read from it." }], signInEndpoint: url,
    signingCert: ["area", "Its certificate", { hint: "Begins with BEGIN CERTIFICATE." }], domain_aliases: aliases,
  }, true],
  oauth2: ["OAuth 2", {
    authorizationURL: url, tokenURL: ["text", "Address for tokens there"], client_id: id, client_secret: secret, scope: ["text", "Scopes", {}],
    "scripts.fetchUserProfile": ["code", "Script that reads the profile", { rows: 12, hint: "function fetchUserProfile(accessToken, context, callback), which calls back with a profile that has a user_id. GitLab, Discord, Slack and Spotify, named gitlab, discord, sign-in-with-slack and spotify, need neither it nor addresses." }],
  }],
};

// derived are options that the server reads from another one: they go when that changes, to be read anew.
export const derived = {
  domain: ["issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"],
  discovery_url: ["oidc_metadata", "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"],
  metadataUrl: ["metadataXml"],
};
