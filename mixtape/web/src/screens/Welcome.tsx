import { Cassette } from '../ui/Cassette';
import { useApp } from '../ui/context';
import { Wordmark } from '../ui/Wordmark';
import { useStore } from '../store';

/** What somebody sees who is not signed in. */
export function Welcome() {
  const { app, t } = useApp();
  const { problem } = useStore(app.session.state);
  return (
    <main class="welcome" id="main" data-testid="welcome">
      <header><Wordmark /></header>
      <div class="welcome-stage">
        <svg class="rays" viewBox="0 0 800 800" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
          <g fill="none" stroke-width="38">
            <path class="ray-1" d="M-40 250C180 250 260 420 420 420S640 300 840 300" />
            <path class="ray-2" d="M-40 288C170 288 250 458 420 458S650 338 840 338" />
            <path class="ray-3" d="M-40 326C160 326 240 496 420 496S660 376 840 376" />
            <path class="ray-4" d="M-40 364C150 364 230 534 420 534S670 414 840 414" />
          </g>
        </svg>
        <div class="welcome-tape"><Cassette id="welcome-3" title="for you, side A" note="60 min · chrome · stereo" progress={0.25} spinning /></div>
      </div>
      <div class="welcome-words">
        <h1>{t('tagline')}</h1>
        <p>{t('pitch')}</p>
        {problem && <p class="notice bad" role="alert" data-testid="sign-in-problem">{t('signInFailed', { message: problem })}</p>}
        <div class="welcome-buttons">
          <button class="big" data-testid="sign-up" onClick={() => void app.session.signUp()}>{t('signUp')}</button>
          <button class="big second" data-testid="sign-in" onClick={() => void app.session.signIn()}>{t('signIn')}</button>
        </div>
      </div>
    </main>
  );
}
