import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { useListener } from '../app';
import type { Claims } from '../jwt';
import { listener, preferences, type Language, type Preferences, type Theme } from '../listener';
import { NeedsPage, type Trip } from '../session';
import type { Translate } from '../texts';
import { useApp } from '../ui/context';
import { Permission } from '../ui/Permission';
import { explain } from '../ui/problem';

/** How saving went. The words are found when they are shown: the language may just have changed. */
type Status = { kind: 'saving' | 'good' | 'bad'; words: (t: Translate) => string };

/** Display name and preferences, in the listener's own record at the identity server. */
export function Settings() {
  const { app, t } = useApp();
  const me = useListener(app);
  const [stored, setStored] = useState<Claims>();
  const [draft, setDraft] = useState<Partial<Preferences>>(app.trip.get().draft ?? {});
  const [needs, setNeeds] = useState<NeedsPage['reason']>();
  const [status, setStatus] = useState<Status>();
  const base: Preferences = stored ? preferences(stored) : me;
  const shown = { ...base, ...draft };

  useEffect(() => {
    const unfinished = app.trip.get().draft;
    app.trip.set({ draft: undefined });
    if (unfinished) void save(unfinished);
    else app.record.read().then((record) => setStored(record.user_metadata ?? {}), failed);
  }, []);

  useEffect(() => {
    document.documentElement.dataset.theme = shown.theme; // try it on before saving
    return () => void (document.documentElement.dataset.theme = listener(app.config, app.session.state.get()).theme);
  }, [shown.theme]);

  function failed(error: unknown) {
    if (error instanceof NeedsPage) {
      setNeeds(error.reason);
      setStatus(undefined);
    } else if (error instanceof ApiError) { // of the Management API, which is not Mixtape's
      setStatus({ kind: 'bad', words: (t) => t('recordFailed', { message: `${error.message} (${error.status})` }) });
    } else setStatus({ kind: 'bad', words: (t) => explain(t, error) });
  }

  function edit(change: Partial<Preferences>) {
    setDraft({ ...draft, ...change });
    setStatus(undefined);
  }

  /** Reads the record, sends the keys that changed, and renews the tokens so that they tell the same. */
  async function save(wanted: Partial<Preferences>) {
    setStatus({ kind: 'saving', words: (t) => t('saving') });
    try {
      const before = (await app.record.read()).user_metadata ?? {};
      const changed = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => before[key] !== value));
      setNeeds(undefined);
      if (!Object.keys(changed).length) {
        setStored(before);
        setDraft({});
        return setStatus({ kind: 'good', words: (t) => t('unchanged') });
      }
      const after = await app.record.changeMetadata(changed);
      setStored(after.user_metadata ?? { ...before, ...changed });
      setDraft({});
      await app.session.renew();
      setStatus({ kind: 'good', words: (t) => t('saved') });
    } catch (error) {
      failed(error);
    }
  }

  const trip: Trip = { returnTo: '/settings', ...(Object.keys(draft).length ? { draft } : {}) };

  function submit(event: Event) {
    event.preventDefault();
    if (!needs) return void save(draft);
    // The sentence above the form has explained it: go to the page and finish saving afterwards.
    void app.session.showPage(needs, trip).then((back) => back && save(draft), () => setStatus({ kind: 'bad', words: (t) => t('popupFailed') }));
  }

  return (
    <>
      <h1>{t('settings')}</h1>
      <p class="lead">{t('settingsLead')}</p>
      {needs && <Permission reason={needs} trip={trip} granted={() => void save(draft)} />}

      <form class="card settings" onSubmit={submit}>
        <label class="field">
          <span>{t('displayName')}</span>
          <input required maxLength={60} autoComplete="nickname" value={shown.displayName} data-testid="settings-displayname"
            onInput={(e) => edit({ displayName: e.currentTarget.value })} />
        </label>
        <div class="field-pair">
          <label class="field">
            <span>{t('theme')}</span>
            <select value={shown.theme} data-testid="pref-theme" onChange={(e) => edit({ theme: e.currentTarget.value as Theme })}>
              <option value="system">{t('themeSystem')}</option>
              <option value="light">{t('themeLight')}</option>
              <option value="dark">{t('themeDark')}</option>
            </select>
          </label>
          <label class="field">
            <span>{t('language')}</span>
            <select value={shown.language} data-testid="pref-language" onChange={(e) => edit({ language: e.currentTarget.value as Language })}>
              <option value="en" lang="en">English</option>
              <option value="de" lang="de">Deutsch</option>
            </select>
          </label>
        </div>
        <Switch text={t('autoplay')} hint={t('autoplayHint')} on={shown.autoplay} testid="pref-autoplay" change={(autoplay) => edit({ autoplay })} />
        <Switch text={t('explicit')} hint={t('explicitHint')} on={shown.explicitFilter} testid="pref-explicit" change={(explicitFilter) => edit({ explicitFilter })} />
        <div class="buttons">
          <button data-testid="settings-save" disabled={status?.kind === 'saving'}>{t('save')}</button>
        </div>
        <p role="status" data-testid="settings-status" data-kind={status?.kind ?? 'idle'} class={status ? `notice ${status.kind}` : 'visually-hidden'}>{status?.words(t)}</p>
      </form>

      <section class="card account" aria-labelledby="account">
        <h2 id="account">{t('account')}</h2>
        <dl>
          <dt>{t('email')}</dt><dd data-testid="settings-email">{me.email}</dd>
          <dt>user_id</dt><dd><code>{me.sub}</code></dd>
        </dl>
        {app.config.account_url && <p><a href={app.config.account_url} data-testid="settings-account">{t('accountPage')}</a></p>}
      </section>
    </>
  );
}

function Switch({ text, hint, on, testid, change }: { text: string; hint: string; on: boolean; testid: string; change(on: boolean): void }) {
  return (
    <label class="switch">
      <span class="two"><strong>{text}</strong><span>{hint}</span></span>
      <input type="checkbox" role="switch" checked={on} data-testid={testid} onChange={(e) => change(e.currentTarget.checked)} />
    </label>
  );
}
