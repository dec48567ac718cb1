/// <reference path="legacy.d.ts" />
// Rules: `/** @type {Rule} */ function name(user, context, callback) { … }`,
// `/** @type {Async<Rule>} */ async function name(user, context, callback) { … }`

/**
 * Runs after a person has proved who they are and before tokens are made, also when a session is used again and in every exchange of a
 * refresh token. It must call the callback, on every path, once.
 */
type Rule = (user: RuleUser, context: RuleContext, callback: RuleCallback) => void;

/**
 * Ends the rule. With an error the login is refused: an UnauthorizedError as `unauthorized`, anything else as `access_denied`. The objects
 * replace those that later rules see; without them they stay. It does not end the function: write `return callback(…)`.
 */
type RuleCallback = (error?: Error | string | object | null | false, user?: object | null, context?: object | null) => void;

/** The person, as they were before the rules ran. What is changed here lasts for this login; nothing is saved without `auth0.users`. */
interface RuleUser {
  /** `provider|id` */
  user_id: string;
  /** Not there for people without an address, such as those of SMS connections. */
  email?: string;
  /** Until it is true, the address may be anybody's. */
  email_verified?: boolean;
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
  last_login?: string;
  last_ip?: string;
  logins_count?: number;
  last_password_reset?: string;
  /** The first one is the primary one. */
  identities: RuleIdentity[];
  /** What the application keeps and people cannot change. Its keys are also found at the root of the user. */
  app_metadata: Record<string, any>;
  /** What people write themselves: nothing that decides about access belongs here. */
  user_metadata: Record<string, any>;
  /** Providers of the second factors that are enrolled. */
  multifactor?: string[];
  blocked?: boolean;
  /** Other attributes of the identity provider, keys of app_metadata, and what earlier rules have put here. */
  [attribute: string]: any;
}

interface RuleIdentity {
  connection: string;
  provider: string;
  /** Without the provider's prefix. */
  user_id: string;
  isSocial: boolean;
  /** Of identities that were linked. */
  profileData?: Record<string, any>;
  /** Of the identity provider. Never pass the whole user to another server. */
  access_token?: string;
  refresh_token?: string;
  access_token_secret?: string;
  expires_in?: number;
}

interface RuleContext {
  tenant: string;
  clientID: string;
  clientName: string;
  clientMetadata: Record<string, string>;
  connectionID: string;
  connection: string;
  connectionStrategy: string;
  connectionOptions: { tenant_domain?: string; domain_aliases?: string[]; [option: string]: any };
  connectionMetadata: Record<string, string>;
  /** How the login came about. Exchanges of refresh tokens have no browser: redirects and factors fail them. */
  protocol: RuleProtocol;
  stats: { /** 1 in the first login. */ loginsCount: number };
  sso: { with_auth0: boolean; with_dbconn: boolean; current_clients: string[] };
  /** Claims of the access token. `scope` replaces what was granted. */
  accessToken: { scope?: string[]; [claim: string]: any };
  /** Claims of the ID token. Names of the protocol itself are passed over in silence. */
  idToken: { [claim: string]: any };
  /** Asks for a second factor. The last rule that sets it wins. */
  multifactor?: { provider: 'any' | 'guardian' | 'google-authenticator' | 'duo' | 'none'; /** By default true: asks once in 30 days. */ allowRememberBrowser?: boolean; ignoreCookie?: boolean; issuer?: string; key?: string; ikey?: string; skey?: string; host?: string; username?: string };
  /** Sends the person elsewhere when all rules have run. They come back to `/continue`, and all rules run again. */
  redirect?: { url: string };
  /** Makes the person another user, after their accounts were linked. */
  primaryUser?: string;
  /** Settings of SAML and WS-Federation. */
  samlConfiguration: Record<string, any>;
  sessionID?: string;
  /** May be missing. */
  request: RuleRequest;
  authentication?: { methods: { name: 'federated' | 'pwd' | 'passkey' | 'sms' | 'email' | 'phone_number' | 'mfa' | (string & {}); /** Milliseconds. */ timestamp: number }[] };
  authorization?: { roles: string[] };
  organization?: { id: string; name: string; display_name?: string; metadata: Record<string, string> };
  riskAssessment?: { confidence: 'low' | 'medium' | 'high' | 'neutral'; version: string; assessments: Record<string, any> };
  jwtConfiguration?: { lifetimeInSeconds?: number; scopes?: Record<string, any> };
  /** For later rules; gone at the end of the login. */
  [other: string]: any;
}

type RuleProtocol = 'oidc-basic-profile' | 'oidc-implicit-profile' | 'oidc-hybrid-profile' | 'oauth2-device-code' | 'oauth2-resource-owner'
  | 'oauth2-resource-owner-jwt-bearer' | 'oauth2-password' | 'oauth2-refresh-token' | 'oauth2-access-token' | 'oauth2-token-exchange'
  | 'samlp' | 'wsfed' | 'wstrust-usernamemixed' | 'delegation' | 'redirect-callback';

interface RuleRequest {
  userAgent?: string;
  /** IPv4 or IPv6. */
  ip: string;
  hostname: string;
  /** Not there in logins at the token endpoint. */
  query?: Record<string, any>;
  body: Record<string, any>;
  geoip?: {
    country_code?: string; country_code3?: string; country_name?: string; city_name?: string; latitude?: number; longitude?: number;
    time_zone?: string; continent_code?: string; subdivision_code?: string; subdivision_name?: string;
  };
}

declare const auth0: {
  users: {
    /** Merges the first level into the stored metadata; null removes a key. */
    updateUserMetadata(userID: string, metadata: Record<string, any>, callback?: (error: any, user?: any) => void): Promise<any>;
    /** Merges the first level into the stored metadata; null removes a key. */
    updateAppMetadata(userID: string, metadata: Record<string, any>, callback?: (error: any, user?: any) => void): Promise<any>;
  };
  /** Without a scheme. */
  domain: string;
  /** `https://DOMAIN/api/v2` */
  baseUrl: string;
  /** A token for the Management API: it reads and updates users. Never pass it to another server. */
  accessToken: string;
};
