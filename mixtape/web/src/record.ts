import { expectSuccess, send, type Answer } from './api';
import type { Config } from './config';
import type { Claims } from './jwt';
import type { Session } from './session';

/** The part of the listener's record at the identity server that this app reads. */
export interface UserRecord {
  user_id: string;
  user_metadata?: Claims;
  app_metadata?: Claims;
}

/** The listener's own record, through the Management API, with the listener's own token. */
export class Record {
  constructor(private readonly config: Config, private readonly session: Session) {}

  private url(user: string): string {
    return `${this.config.domain}/api/v2/users/${encodeURIComponent(user)}`;
  }

  private get me(): string {
    return String(this.session.state.get().idToken?.claims.sub ?? '');
  }

  async read(): Promise<UserRecord> {
    const answer = await send(this.url(this.me), await this.session.managementToken(), 'GET');
    return JSON.parse(await expectSuccess(answer)) as UserRecord;
  }

  /** Sends only the keys that changed: the server merges the first level and keeps the rest. */
  async changeMetadata(changed: Claims): Promise<UserRecord> {
    const answer = await send(this.url(this.me), await this.session.managementToken(), 'PATCH', { user_metadata: changed });
    return JSON.parse(await expectSuccess(answer)) as UserRecord;
  }

  /** Sends any change to anybody's record and gives back what the server says to that. */
  async attempt(body: unknown, user = this.me): Promise<Answer> {
    const answer = await send(this.url(user), await this.session.managementToken(), 'PATCH', body);
    return { status: answer.status, body: await answer.text() };
  }
}
