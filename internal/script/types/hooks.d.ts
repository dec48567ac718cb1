// Hooks: `/** @type {PreUserRegistrationHook} */ module.exports = function (user, context, cb) { … }`

type HookCallback<Result = any> = (error?: Error | string | object | null, result?: Result) => void;

interface HookContext {
  connection?: { id: string; name: string; tenant: string };
  /** The secrets of the hook are `context.webtask.secrets`. */
  webtask: { secrets: Record<string, string>; headers: Record<string, any>; body: any; data: Record<string, any>; meta: Record<string, any> };
  [other: string]: any;
}

interface HookUser {
  tenant: string;
  username?: string;
  email?: string;
  emailVerified: boolean;
  phoneNumber?: string;
  phoneNumberVerified: boolean;
  user_metadata: Record<string, any>;
  app_metadata: Record<string, any>;
}

/** Refuses a sign-up: the first text goes to the log, the second to the person. */
declare class PreUserRegistrationError extends Error { constructor(message: string, friendlyMessage?: string); }
declare class SendPhoneMessageError extends Error { constructor(message: string, friendlyMessage?: string); }
declare class InvalidScopeError extends Error { constructor(message: string); }
declare class InvalidRequestError extends Error { constructor(message: string); }
declare class ServerError extends Error { constructor(message: string); }

/** Before a client gets a token in its own name. The `scope` of the result replaces: copy it, or all scopes are gone. */
type CredentialsExchangeHook = (client: { id: string; name: string; tenant: string; metadata: Record<string, string> }, scope: string[] | undefined, audience: string, context: HookContext, cb: HookCallback<{ scope?: string[]; [namespacedClaim: string]: any }>) => void;
/** Before a user is made. */
type PreUserRegistrationHook = (user: HookUser & { password?: string }, context: HookContext & { requestLanguage?: string; renderLanguage?: string }, cb: HookCallback<{ user?: { user_metadata?: Record<string, any>; app_metadata?: Record<string, any> } }>) => void;
/** After it; nobody waits. */
type PostUserRegistrationHook = (user: HookUser & { /** Without `auth0|`. */ id: string }, context: HookContext, cb: HookCallback) => void;
/** After a new password; nobody waits. */
type PostChangePasswordHook = (user: { id: string; username?: string; email?: string; last_password_reset?: string }, context: HookContext, cb: HookCallback) => void;
/** Sends a code by SMS or voice. */
type SendPhoneMessageHook = (recipient: string, text: string, context: HookContext & { message_type: 'sms' | 'voice'; action: 'enrollment' | 'second-factor-authentication'; language: string; code: string; ip: string; user_agent?: string; client?: { client_id: string; name: string; client_metadata: Record<string, string> }; user?: { user_id: string; name?: string; email?: string; app_metadata: Record<string, any>; user_metadata: Record<string, any> } }, cb: HookCallback) => void;
