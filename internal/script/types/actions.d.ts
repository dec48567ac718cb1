// Actions: `/** @type {PostLoginAction} */ exports.onExecutePostLogin = async (event, api) => { … };`
// or, as the templates have it, `@param {PostLoginEvent} event` and `@param {PostLoginAPI} api`.

/** What actions share is required as `actions:NAME`; the secrets of such code are `actions.secrets`. */
declare const actions: { secrets: Readonly<Record<string, string>> };

type MetadataObject = Record<string, any>;

/** Values for all runs of a trigger in a tenant: 20 entries, 8 KiB in all. They may be gone at any time. */
interface CacheAPI {
  /** The record, not the bare value. */
  get(key: string): { value: string; expires_at: number } | undefined;
  /** Never throws. A key has up to 64 bytes, a value 4 KiB; ttl is in milliseconds, by default 15 minutes and at most a day. */
  set(key: string, value: string, options?: { ttl?: number; expires_at?: number }): CacheResult & { record?: { value: string; expires_at: number } };
  delete(key: string): CacheResult;
}
interface CacheResult { type: 'success' | 'error'; /** Of an error. */ code?: string }

interface ActionRequest {
  ip: string;
  hostname?: string;
  method: string;
  language?: string;
  user_agent?: string;
  asn?: string;
  geoip: { cityName?: string; continentCode?: string; countryCode?: string; countryCode3?: string; countryName?: string; latitude?: number; longitude?: number; subdivisionCode?: string; subdivisionName?: string; timeZone?: string };
  query: Record<string, any>;
  body: Record<string, any>;
}

interface ActionUser {
  /** `provider|id` */
  user_id: string;
  /** Not there for people without an address. */
  email?: string;
  /** Until it is true, the address may be anybody's. */
  email_verified: boolean;
  username?: string;
  name?: string;
  nickname?: string;
  given_name?: string;
  family_name?: string;
  picture?: string;
  phone_number?: string;
  phone_verified?: boolean;
  created_at: string;
  updated_at: string;
  last_password_reset?: string;
  /** What the application keeps and people cannot change. */
  app_metadata: MetadataObject;
  /** What people write themselves: nothing that decides about access belongs here. */
  user_metadata: MetadataObject;
  identities: { connection: string; provider: string; user_id: string; isSocial: boolean; profileData?: Record<string, any> }[];
  enrolledFactors?: { type: string; options?: Record<string, any> }[];
  multifactor?: string[];
  [attribute: string]: any;
}

interface ActionClient { client_id: string; name: string; metadata: Record<string, string>; refresh_token?: { policies?: { audience: string; scope: string[] }[] } }
interface ActionConnection { id: string; name: string; strategy: string; metadata?: Record<string, string> }
interface ActionOrganization { id: string; name: string; display_name: string; metadata: Record<string, string> }
interface ActionDevice { initial_asn?: string; initial_ip?: string; initial_user_agent?: string; last_asn?: string; last_ip?: string; last_user_agent?: string }
interface ActionAuthentication {
  methods: { name: 'federated' | 'pwd' | 'passkey' | 'sms' | 'email' | 'phone_number' | 'mfa' | (string & {}); /** ISO text. */ timestamp: string; type?: string; url?: string }[];
  riskAssessment?: { confidence: 'low' | 'medium' | 'high' | 'neutral'; version: string; assessments: Record<string, any>; supplemental?: Record<string, any> };
}
type ActionProtocol = 'oidc-basic-profile' | 'oidc-implicit-profile' | 'oidc-hybrid-profile' | 'oidc-ciba' | 'oidc-ciba-web-link' | 'oauth2-device-code'
  | 'oauth2-resource-owner' | 'oauth2-resource-owner-jwt-bearer' | 'oauth2-password' | 'oauth2-webauthn' | 'oauth2-access-token' | 'oauth2-refresh-token'
  | 'oauth2-token-exchange' | 'samlp' | 'wsfed' | 'wstrust-usernamemixed';

/** What a request for a login asked for. */
interface ActionTransaction {
  acr_values: string[]; /** Of the pages. */ locale: string; login_hint?: string; prompt?: string[]; protocol?: ActionProtocol; redirect_uri?: string; requested_scopes: string[];
  response_mode?: 'query' | 'fragment' | 'form_post' | 'web_message'; response_type?: string[]; state?: string; ui_locales: string[]; correlation_id?: string;
}

/** What every event has. To change an event has no effect: each action gets a copy. */
interface ActionEvent {
  tenant: { id: string };
  request: ActionRequest;
  /** The action's own. */
  secrets: Readonly<Record<string, string>>;
  configuration: Readonly<Record<string, any>>;
  custom_domain?: { domain: string; domain_metadata: Record<string, string> };
  security_context?: { ja3?: string; ja4?: string };
}

type Factor = { type: 'otp' | 'email' | 'recovery-code' | 'webauthn-roaming' | 'webauthn-platform' }
  | { type: 'phone'; options?: { preferredMethod?: 'voice' | 'sms' | 'both' } }
  | { type: 'push-notification'; options?: { otpFallback?: boolean } }
  | { type: 'push' };

// --- post-login ---

/** Every login, after rules; silent authentication; every exchange of a refresh token. */
type PostLoginAction = ((event: PostLoginEvent, api: PostLoginAPI) => void) | ((event: PostLoginEvent, api: PostLoginAPI) => Promise<any>);

interface PostLoginEvent extends ActionEvent {
  user: ActionUser;
  client: ActionClient;
  connection: ActionConnection;
  authentication?: ActionAuthentication;
  authorization?: { roles: string[] };
  organization?: ActionOrganization;
  resource_server?: { identifier: string };
  stats: { /** 1 in the first login. */ logins_count: number };
  /** Not there where no browser is. */
  session?: {
    id: string; user_id?: string; authenticated_at?: string; created_at?: string; updated_at?: string; expires_at?: string; idle_expires_at?: string;
    last_interacted_at?: string; clients?: { client_id: string }[]; cookie?: { mode: 'persistent' | 'non-persistent' }; device?: ActionDevice; metadata?: Record<string, string>; actor?: Record<string, any>;
    /** Where a session transfer token opened it. The metadata are there as long as the refresh token is. */
    session_transfer?: { parent_refresh_token?: { id?: string; metadata?: Record<string, string> } };
  };
  /** In exchanges of refresh tokens. */
  refresh_token?: {
    id: string; client_id?: string; created_at: string; expires_at?: string; idle_expires_at?: string; last_exchanged_at?: string; device: ActionDevice;
    metadata?: Record<string, string>; resource_servers?: { audience: string; scopes: string }[]; rotating?: boolean; session_id?: string; user_id?: string;
    /** An online one ends with its session. */
    access?: 'online' | 'offline';
    session_transfer?: { parent_refresh_token?: { id?: string } };
  };
  transaction?: Partial<ActionTransaction> & {
    id?: string; requested_authorization_details?: any[]; linking_id?: string; actor?: Record<string, any>; subject_token_type?: string; actor_token_type?: string;
    metadata: Record<string, string | number | boolean>;
  };
  /** Answers of a form, when the person has come back. */
  prompt?: { id: string; fields?: Record<string, any>; vars?: Record<string, any> };
  /** In the login that began with one: which client got it, where, and what its refresh token stood for. */
  session_transfer_token?: {
    client_id: string; scope: string[]; request: { ip: string; asn?: string; user_agent?: string; geoip: Record<string, any> };
  };
  agent?: { agent_id: string; agent_metadata: Record<string, any>; name: string };
}

interface PostLoginAPI {
  cache: CacheAPI;
  access: {
    /** Refuses the login as `access_denied`. It does not end the handler: write `return api.access.deny(…)`. */
    deny(reason: string): PostLoginAPI;
  };
  accessToken: {
    /** Names of the protocol itself are passed over in silence. */
    setCustomClaim(name: string, value: any): PostLoginAPI;
    addScope(scope: string): PostLoginAPI;
    removeScope(scope: string): PostLoginAPI;
  };
  idToken: {
    /** Names of the protocol itself are passed over in silence. */
    setCustomClaim(name: string, value: any): PostLoginAPI;
  };
  user: {
    /** One key of the first level; null removes it. Written once, at the end, also when the login is refused. */
    setAppMetadata(key: string, value: any): PostLoginAPI;
    /** One key of the first level; null removes it. Written once, at the end, also when the login is refused. */
    setUserMetadata(key: string, value: any): PostLoginAPI;
  };
  authentication: {
    /** Suspends the login behind this action until the person has proved the factor. */
    challengeWith(factor: Factor, options?: { additionalFactors?: Factor[] }): void;
    challengeWithAny(factors: Factor[]): void;
    enrollWith(factor: Factor, options?: { additionalFactors?: Factor[] }): void;
    enrollWithAny(factors: Factor[]): void;
    /** Only when the person has come back: a method that they proved themselves by elsewhere. */
    recordMethod(url: string): PostLoginAPI;
    /** Makes the person another user, of whom the identity just used is one. */
    setPrimaryUser(userID: string): PostLoginAPI;
  };
  groups: {
    /** The person's groups; take is at most 100, from what the page before gave as next. */
    getUserGroups(options?: { take?: number; from?: string }): Promise<{ groups: { id: string; name: string; external_id?: string; connection_id: string }[]; next?: string }>;
    /** Whether the person is in one of the groups, which are named by their ids. */
    hasGroupMembership(ids: string[]): Promise<boolean>;
  };
  multifactor: {
    /** Asks for a second factor at the end of the login. */
    enable(provider: 'any' | 'none' | 'guardian' | 'google-authenticator' | 'duo', options?: { /** By default false. */ allowRememberBrowser?: boolean; providerOptions?: { host: string; ikey: string; skey: string; username?: string } }): PostLoginAPI;
  };
  prompt: {
    render(formID: string, options?: { fields?: Record<string, any>; vars?: Record<string, any> }): PostLoginAPI;
  };
  redirect: {
    /** False without a browser and where nobody may be asked anything. */
    canRedirect(): boolean;
    encodeToken(options: { secret: string; payload: Record<string, any>; expiresInSeconds?: number }): string;
    /** Suspends the login behind this action; its onContinuePostLogin runs when the person comes back to `/continue`. */
    sendUserTo(url: string, options?: { query?: Record<string, string | number | boolean | null | undefined> }): PostLoginAPI;
    validateToken(options: { secret: string; tokenParameterName?: string }): Record<string, any>;
  };
  refreshToken: {
    /** In an exchange of a refresh token: refuses it and ends the token. */
    revoke(reason: string): PostLoginAPI;
    /** Milliseconds since 1970; the earliest of several counts. */
    setExpiresAt(milliseconds: number): PostLoginAPI;
    setIdleExpiresAt(milliseconds: number): PostLoginAPI;
    setMetadata(key: string, value: string | null): PostLoginAPI;
    deleteMetadata(key: string): PostLoginAPI;
    evictMetadata(): PostLoginAPI;
  };
  roles: {
    getUserEffectiveRoles(options?: { take?: number; from?: string }): Promise<{ roles: { id: string; name: string; description?: string }[]; next?: string }>;
    getUserEffectiveRolesByIds(ids: string[]): Promise<{ roles: { id: string; name: string; description?: string }[] }>;
    getUserEffectiveRolesByNames(names: string[]): Promise<{ roles: { id: string; name: string; description?: string }[] }>;
  };
  rules: {
    /** Whether a rule ran in this login. */
    wasExecuted(ruleID: string): boolean;
  };
  samlResponse: {
    setAttribute(name: string, value: string | number | boolean | string[] | null): PostLoginAPI;
    setAudience(audience: string): PostLoginAPI;
    setRecipient(recipient: string): PostLoginAPI;
    setCreateUpnClaim(create: boolean): PostLoginAPI;
    setPassthroughClaimsWithNoMapping(pass: boolean): PostLoginAPI;
    setMapUnknownClaimsAsIs(map: boolean): PostLoginAPI;
    setMapIdentities(map: boolean): PostLoginAPI;
    setSignatureAlgorithm(algorithm: 'rsa-sha256' | 'rsa-sha1'): PostLoginAPI;
    setDigestAlgorithm(algorithm: 'sha256' | 'sha1'): PostLoginAPI;
    setDestination(destination: string): PostLoginAPI;
    setLifetimeInSeconds(seconds: number): PostLoginAPI;
    setSignResponse(sign: boolean): PostLoginAPI;
    setNameIdentifierFormat(format: string): PostLoginAPI;
    setNameIdentifierProbes(claims: string[]): PostLoginAPI;
    setAuthnContextClassRef(reference: string): PostLoginAPI;
    setSigningCert(certificate: string): PostLoginAPI;
    setIncludeAttributeNameFormat(include: boolean): PostLoginAPI;
    setTypedAttributes(typed: boolean): PostLoginAPI;
    setEncryptionCert(certificate: string): PostLoginAPI;
    setEncryptionPublicKey(key: string): PostLoginAPI;
    setCert(certificate: string): PostLoginAPI;
    setKey(key: string): PostLoginAPI;
    setRelayState(state: string): PostLoginAPI;
    setIssuer(issuer: string): PostLoginAPI;
    setEncryptionAlgorithm(algorithm: 'aes256-cbc' | 'aes256-gcm'): PostLoginAPI;
  };
  session: {
    /** Refuses the login and ends the session. */
    revoke(reason: string, options?: { preserveRefreshTokens?: boolean }): PostLoginAPI;
    setCookieMode(mode: 'persistent' | 'non-persistent'): PostLoginAPI;
    setExpiresAt(milliseconds: number): PostLoginAPI;
    setIdleExpiresAt(milliseconds: number): PostLoginAPI;
    setMetadata(key: string, value: string | null): PostLoginAPI;
    deleteMetadata(key: string): PostLoginAPI;
    evictMetadata(): PostLoginAPI;
  };
  transaction: {
    /** Seen at once in event.transaction.metadata, kept when the person is sent elsewhere, gone at the end. */
    setMetadata(key: string, value: string | number | boolean | null): PostLoginAPI;
  };
  validation: {
    /** Refuses the login with a code of the author's. */
    error(code: string, message: string): PostLoginAPI;
  };
}

// --- credentials-exchange ---

/** A client asks for a token in its own name. */
type CredentialsExchangeAction = ((event: CredentialsExchangeEvent, api: CredentialsExchangeAPI) => void) | ((event: CredentialsExchangeEvent, api: CredentialsExchangeAPI) => Promise<any>);

interface CredentialsExchangeEvent extends ActionEvent {
  client: ActionClient;
  organization?: ActionOrganization;
  resource_server: { identifier: string };
  accessToken: { customClaims: Record<string, any>; scope: string[] };
  transaction: { requested_scopes: string[]; target_scopes?: string[]; correlation_id?: string };
  agent?: { agent_id: string; agent_metadata: Record<string, any>; name: string };
}

interface CredentialsExchangeAPI {
  cache: CacheAPI;
  access: {
    /** It does not end the handler: write `return api.access.deny(…)`. */
    deny(code: 'invalid_scope' | 'invalid_request' | 'server_error', reason: string): CredentialsExchangeAPI;
  };
  accessToken: {
    setCustomClaim(name: string, value: any): CredentialsExchangeAPI;
  };
  transaction: {
    addTargetScope(scope: string): CredentialsExchangeAPI;
    removeTargetScope(scope: string): CredentialsExchangeAPI;
    setTargetScopes(scopes: string[]): CredentialsExchangeAPI;
    clearTargetScopes(): CredentialsExchangeAPI;
  };
}

// --- registration ---

/** Before a sign-up, or before a user is made through the Management API. */
type PreUserRegistrationAction = ((event: PreUserRegistrationEvent, api: PreUserRegistrationAPI) => void) | ((event: PreUserRegistrationEvent, api: PreUserRegistrationAPI) => Promise<any>);

interface PreUserRegistrationEvent extends ActionEvent {
  authentication?: ActionAuthentication;
  /** Not there where nobody asks in a client's name. */
  client?: ActionClient;
  connection: ActionConnection;
  /** Of the login that the sign-up is part of. */
  transaction?: ActionTransaction;
  /** Without an id, and without the password. */
  user: { email?: string; username?: string; name?: string; given_name?: string; family_name?: string; nickname?: string; phone_number?: string; picture?: string; user_metadata?: MetadataObject; app_metadata?: MetadataObject };
}

interface PreUserRegistrationAPI {
  cache: CacheAPI;
  access: {
    /** The reason goes to the log, the message to the person. */
    deny(reason: string, userMessage: string): PreUserRegistrationAPI;
  };
  user: {
    setAppMetadata(key: string, value: any): PreUserRegistrationAPI;
    setUserMetadata(key: string, value: any): PreUserRegistrationAPI;
  };
  validation: {
    error(code: string, message: string): PreUserRegistrationAPI;
  };
}

/** After a user was made; nobody waits. */
type PostUserRegistrationAction = ((event: PostUserRegistrationEvent, api: PostUserRegistrationAPI) => void) | ((event: PostUserRegistrationEvent, api: PostUserRegistrationAPI) => Promise<any>);

interface PostUserRegistrationEvent extends ActionEvent {
  authentication?: ActionAuthentication;
  client?: ActionClient;
  connection: ActionConnection;
  transaction?: ActionTransaction;
  user: ActionUser;
}

interface PostUserRegistrationAPI {
  cache: CacheAPI;
}

// --- post-change-password ---

/** After a new password; nobody waits. */
type PostChangePasswordAction = ((event: PostChangePasswordEvent, api: PostChangePasswordAPI) => void) | ((event: PostChangePasswordEvent, api: PostChangePasswordAPI) => Promise<any>);

interface PostChangePasswordEvent extends ActionEvent {
  authentication?: ActionAuthentication;
  connection: ActionConnection;
  transaction?: { correlation_id?: string };
  user: { user_id?: string; email?: string; email_verified?: boolean; username?: string; phone_number?: string; phone_verified?: boolean; last_password_reset?: string };
}

interface PostChangePasswordAPI {
  cache: CacheAPI;
}

// --- send-phone-message ---

/** Sends a code by SMS or voice; throw where that fails. */
type SendPhoneMessageAction = ((event: SendPhoneMessageEvent, api: SendPhoneMessageAPI) => void) | ((event: SendPhoneMessageEvent, api: SendPhoneMessageAPI) => Promise<any>);

interface SendPhoneMessageEvent extends ActionEvent {
  client?: ActionClient;
  message_options: { action: 'enrollment' | 'second-factor-authentication'; code: string; message_type: 'sms' | 'voice'; recipient: string; text: string };
  transaction?: Record<string, any>;
  user: ActionUser;
}

interface SendPhoneMessageAPI {
  cache: CacheAPI;
}

// --- password-reset-post-challenge ---

/** A person who forgot the password has proved the address, and has not set a new one yet. */
type PostChallengeAction = ((event: PostChallengeEvent, api: PostChallengeAPI) => void) | ((event: PostChallengeEvent, api: PostChallengeAPI) => Promise<any>);

interface PostChallengeEvent extends ActionEvent {
  authentication: ActionAuthentication;
  authorization: { roles: string[] };
  client: ActionClient;
  connection: ActionConnection;
  organization?: ActionOrganization;
  prompt?: { id: string; fields?: Record<string, any>; vars?: Record<string, any> };
  stats: { logins_count: number };
  transaction: { locale: string; login_hint?: string; state?: string; ui_locales: string[]; correlation_id?: string };
  user: ActionUser;
}

interface PostChallengeAPI {
  cache: CacheAPI;
  access: {
    deny(reason: string): PostChallengeAPI;
  };
  authentication: {
    challengeWith(factor: Factor, options?: { additionalFactors?: Factor[] }): void;
    challengeWithAny(factors: Factor[]): void;
  };
  prompt: {
    render(formID: string, options?: { fields?: Record<string, any>; vars?: Record<string, any> }): PostChallengeAPI;
  };
  redirect: {
    encodeToken(options: { secret: string; payload: Record<string, any>; expiresInSeconds?: number }): string;
    sendUserTo(url: string, options?: { query?: Record<string, string | number | boolean | null | undefined> }): PostChallengeAPI;
    validateToken(options: { secret: string; tokenParameterName?: string }): Record<string, any>;
  };
  transaction: {
    /** Where the person goes when the password is set. */
    setResultUrl(url: string, options?: { query?: Record<string, string | number | boolean | null | undefined> }): PostChallengeAPI;
  };
}

// --- login-post-identifier ---

/** On login pages that ask for the identifier first: it is known, and the password was not asked for. */
type PostIdentifierAction = ((event: PostIdentifierEvent, api: PostIdentifierAPI) => void) | ((event: PostIdentifierEvent, api: PostIdentifierAPI) => Promise<any>);

/** As the templates call it. */
type LoginPostIdentifierAPI = PostIdentifierAPI;

interface PostIdentifierEvent extends ActionEvent {
  authentication: { identifier: { /** What the person typed: anything. */ value: string } };
  client: ActionClient;
  /** Where the person would go without this action, or another one that ran before. */
  initial_connection: ActionConnection;
  initial_organization?: ActionOrganization;
  resource_server?: { identifier: string };
  transaction: ActionTransaction & { /** As authentication.identifier.value. */ identifier: string };
}

interface PostIdentifierAPI {
  cache: CacheAPI;
  authentication: {
    /** The connection must be enabled for the client. */
    setConnectionByName(name: string): PostIdentifierAPI;
  };
}

// --- signup-post-identifier ---

/** On the sign-up page: it is known who the person wants to be, and there is no account yet. The event and the api are those of login-post-identifier. */
type SignupPostIdentifierAction = PostIdentifierAction;

/** As the templates would call them. */
type SignupPostIdentifierEvent = PostIdentifierEvent;
type SignupPostIdentifierAPI = PostIdentifierAPI;

// --- password-hash-migration ---

/** Says whether a password is of a hash that came with an import and that the server does not understand. It has to accept what is right: silence does not. */
type PasswordHashMigrationAction = ((event: PasswordHashMigrationEvent, api: PasswordHashMigrationAPI) => void) | ((event: PasswordHashMigrationEvent, api: PasswordHashMigrationAPI) => Promise<any>);

interface PasswordHashMigrationEvent extends ActionEvent {
  client?: ActionClient;
  connection: ActionConnection;
  user: ActionUser;
  /** What the person typed: anything. */
  plaintext_password: string;
  custom_hash_required: boolean;
  /** As it was imported; universal_hash_name is `custom` where none was said. */
  custom_password_hash: { algorithm: 'custom'; universal_hash_name: string; universal_hash_metadata?: string; hash: { value: string; encoding: 'utf8' | 'hex' | 'base64' }; salt?: { value: string; encoding?: string; position?: string } };
}

interface PasswordHashMigrationAPI {
  cache: CacheAPI;
  password: {
    /** The last call counts. */
    accept(): PasswordHashMigrationAPI;
    reject(): PasswordHashMigrationAPI;
  };
}

// --- providers of messages ---

/** Delivers a mail; throw where that fails. */
type CustomEmailProviderAction = ((event: CustomEmailProviderEvent, api: CustomEmailProviderAPI) => void) | ((event: CustomEmailProviderEvent, api: CustomEmailProviderAPI) => Promise<any>);

interface NotificationTenant { id: string; friendly_name?: string; home_url?: string; logo_url?: string; support_email?: string; support_url?: string }

interface CustomEmailProviderEvent extends ActionEvent {
  tenant: NotificationTenant;
  /** Texts are empty where the mail is in no client's name, or goes to no user; user.email is where it goes then. */
  client: ActionClient;
  connection?: ActionConnection;
  organization?: ActionOrganization;
  notification: { from: string; to: string; subject: string; html: string; text: string; locale: string; message_type: string };
  transaction?: Record<string, any>;
  user: Omit<ActionUser, 'created_at' | 'updated_at'>;
}

interface CustomEmailProviderAPI {
  cache: CacheAPI;
  notification: {
    /** The message is not sent, and that is right so. */
    drop(reason: string): CustomEmailProviderAPI;
    /** The message is to be tried again, up to five times. */
    retry(reason: string): CustomEmailProviderAPI;
  };
}

/** Delivers a text or a call; throw where that fails. */
type CustomPhoneProviderAction = ((event: CustomPhoneProviderEvent, api: CustomPhoneProviderAPI) => void) | ((event: CustomPhoneProviderEvent, api: CustomPhoneProviderAPI) => Promise<any>);

interface CustomPhoneProviderEvent extends ActionEvent {
  tenant: NotificationTenant;
  /** Texts are empty where the message is in no client's name, or goes to no user; user.phone_number is where it goes then. */
  client: ActionClient;
  connection?: ActionConnection;
  organization?: ActionOrganization;
  notification: { as_text: string; as_voice: string; code?: string; delivery_method: 'text' | 'voice'; from?: string; locale?: string; message_type: string; recipient: string };
  transaction?: Record<string, any>;
  user: Omit<ActionUser, 'created_at' | 'updated_at'>;
}

interface CustomPhoneProviderAPI {
  cache: CacheAPI;
  notification: {
    drop(reason: string): CustomPhoneProviderAPI;
    retry(reason: string): CustomPhoneProviderAPI;
  };
}

// --- event-stream ---

/** Takes an event of a stream; throw to have it sent again. */
type EventStreamAction = ((event: EventStreamEvent, api: EventStreamAPI) => void) | ((event: EventStreamEvent, api: EventStreamAPI) => Promise<any>);

interface EventStreamEvent {
  message: { id: string; type: string; source: string; specversion: string; time?: string; data?: any };
  secrets: Readonly<Record<string, string>>;
}

interface EventStreamAPI {
  cache: CacheAPI;
}

// --- custom-token-exchange ---

/** Says whom a token of somebody else's stands for: it must set the user in one of the two ways, or refuse. */
type CustomTokenExchangeAction = ((event: CustomTokenExchangeEvent, api: CustomTokenExchangeAPI) => void) | ((event: CustomTokenExchangeEvent, api: CustomTokenExchangeAPI) => Promise<any>);

interface CustomTokenExchangeEvent extends ActionEvent {
  client: ActionClient;
  organization?: ActionOrganization;
  resource_server: { identifier: string };
  transaction: { subject_token: string; subject_token_type: string; requested_token_type?: string; requested_scopes: string[]; actor_token?: string; actor_token_type?: string; actor_token_user?: any };
}

interface TokenActor { sub: string; act?: TokenActor; [claim: string]: any }

interface CustomTokenExchangeAPI {
  cache: CacheAPI;
  access: {
    deny(code: string, reason: string): CustomTokenExchangeAPI;
    /** The token is not what it says: counts towards the protection against attacks. */
    rejectInvalidSubjectToken(reason: string): CustomTokenExchangeAPI;
  };
  authentication: {
    setUserById(userID: string): CustomTokenExchangeAPI;
    setUserByConnection(connection: string, attributes: { user_id: string; email?: string; email_verified?: boolean; username?: string; phone_number?: string; phone_verified?: boolean; name?: string; nickname?: string; given_name?: string; family_name?: string; picture?: string }, options?: { creationBehavior?: 'create_if_not_exists' | 'none'; updateBehavior?: 'replace' | 'none' }): CustomTokenExchangeAPI;
    setOrganization(organizationID: string): CustomTokenExchangeAPI;
    /** A chain of up to five; then no refresh token is issued. */
    setActor(actor: TokenActor): CustomTokenExchangeAPI;
  };
  user: {
    setAppMetadata(key: string, value: any): CustomTokenExchangeAPI;
    setUserMetadata(key: string, value: any): CustomTokenExchangeAPI;
  };
}
