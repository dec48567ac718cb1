/// <reference path="legacy.d.ts" />
// Scripts of databases and of custom social connections: `/** @type {LoginScript} */ function login(identifier, password, callback) { … }`
// Where the connection gives a context, it comes right before the callback: use the types that end in WithContext.

/** A person as the other database knows them. */
interface DatabaseProfile {
  /** Stable for ever, and of one person among all such databases of the tenant. Stored as `auth0|` and this. */
  user_id?: string;
  /** The same as user_id. */
  id?: string | number;
  email?: string;
  /** Where it is not true, a mail asks for the proof. */
  email_verified?: boolean;
  username?: string;
  name?: string;
  nickname?: string;
  given_name?: string;
  family_name?: string;
  picture?: string;
  user_metadata?: Record<string, any>;
  app_metadata?: Record<string, any>;
  mfa_factors?: ({ phone: { value: string } } | { totp: { secret: string } } | { email: { value: string } })[];
  [attribute: string]: any;
}

type DatabaseCallback<Result> = (error?: Error | null, result?: Result | null) => void;
interface DatabaseContext { organization?: { id: string; name: string; display_name?: string; metadata: Record<string, string> } }

interface NewDatabaseUser {
  client_id?: string;
  tenant: string;
  connection: string;
  email: string;
  /** As it was typed: hash it. */
  password: string;
  username?: string;
  phone_number?: string;
  user_metadata?: Record<string, any>;
  app_metadata?: Record<string, any>;
  [attribute: string]: any;
}

/** Refuses with `new WrongUsernameOrPasswordError(identifier)`; nobody found is not an error of another kind. */
type LoginScript = (identifier: string, password: string, callback: DatabaseCallback<DatabaseProfile>) => void;
type LoginScriptWithContext = (identifier: string, password: string, context: DatabaseContext, callback: DatabaseCallback<DatabaseProfile>) => void;
/** `callback(null)` says that there is nobody: never an error. */
type GetUserScript = (email: string, callback: DatabaseCallback<DatabaseProfile>) => void;
type GetUserScriptWithContext = (email: string, context: DatabaseContext, callback: DatabaseCallback<DatabaseProfile>) => void;
/** Refuses with `new ValidationError('user_exists', …)`. */
type CreateScript = (user: NewDatabaseUser, callback: DatabaseCallback<any>) => void;
type CreateScriptWithContext = (user: NewDatabaseUser, context: DatabaseContext, callback: DatabaseCallback<any>) => void;
type VerifyScript = (email: string, callback: DatabaseCallback<boolean>) => void;
type VerifyScriptWithContext = (email: string, context: DatabaseContext, callback: DatabaseCallback<boolean>) => void;
type ChangePasswordScript = (email: string, newPassword: string, callback: DatabaseCallback<boolean | { last_password_reset: string }>) => void;
type ChangePasswordScriptWithContext = (email: string, newPassword: string, context: DatabaseContext, callback: DatabaseCallback<boolean | { last_password_reset: string }>) => void;
type ChangeEmailScript = (email: string, newEmail: string, verified: boolean, callback: DatabaseCallback<boolean>) => void;
type ChangePhoneNumberScript = (phoneNumber: string, newPhoneNumber: string, verified: boolean, callback: DatabaseCallback<boolean>) => void;
type ChangeUsernameScript = (username: string, newUsername: string, callback: DatabaseCallback<boolean>) => void;
/** The id is without `auth0|`. */
type DeleteScript = (id: string, callback: DatabaseCallback<any>) => void;
type DeleteScriptWithContext = (id: string, context: DatabaseContext, callback: DatabaseCallback<any>) => void;

/** Reads the profile of a person of a custom social connection. The id becomes `oauth2|CONNECTION|ID`. */
type FetchUserProfileScript = (accessToken: string, context: { options?: Record<string, any>; [tokenResponse: string]: any }, callback: DatabaseCallback<DatabaseProfile>) => void;
/** Calls back with the address where people sign out at the provider of a custom social connection; `query` has the parameters of the logout. */
type GetLogoutUrlScript = (query: { [parameter: string]: any }, callback: DatabaseCallback<string>) => void;
