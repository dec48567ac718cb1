/** What the server that delivers the app tells it about its surroundings: `/config.json`. */
export interface Config {
  /** Base URL of the identity server, with its scheme: `https://login.example.com`. */
  domain: string;
  client_id: string;
  /** Identifier of Mixtape's API, the audience of the everyday access token. */
  audience: string;
  /** Identifier of the Management API, the audience of the token that edits the listener's own record. */
  management_audience: string;
  /** Base URL of Mixtape's API. */
  api_url: string;
  /** Prefix of custom claims, with its trailing slash. */
  claim_namespace: string;
  /** Where listeners look after their account at the identity server, if there is such a page. */
  account_url?: string;
  /** Renew with rotating refresh tokens instead of the hidden frame. */
  use_refresh_tokens: boolean;
}

export async function loadConfig(): Promise<Config> {
  const answer = await fetch('/config.json', { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`config.json answered ${answer.status}`);
  const config = (await answer.json()) as Config;
  config.domain = config.domain.replace(/\/+$/, '');
  config.api_url = config.api_url.replace(/\/+$/, '');
  return config;
}
