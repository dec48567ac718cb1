import { useStore } from '../store';
import { Cover } from './Cover';
import { Icon } from './icons';
import { useApp } from './context';
import { clock } from './format';

/** The bar that stays while the listener looks around. */
export function MiniPlayer() {
  const { app, t } = useApp();
  const { playing, position, duration, problem } = useStore(app.player.state);
  const { song } = app.player;
  if (!song) return null;
  return (
    <section class="mini" aria-label={t('nowPlaying')} data-testid="mini-player">
      <progress class="mini-progress" max={duration || 1} value={position} aria-hidden="true" />
      <a class="mini-song" href="/playing">
        <span class="visually-hidden">{t('openPlayer')}: </span>
        <Cover id={song.song_id} />
        <span class="two">
          <strong data-testid="now-playing">{song.songname}</strong>
          <span>{problem ? t('audioBroken', { song: problem }) : song.artist}</span>
        </span>
      </a>
      <label class="mini-seek">
        <span class="visually-hidden">{t('seek')}</span>
        <span class="time">{clock(position)}</span>
        <Seek />
        <span class="time">{clock(duration)}</span>
      </label>
      <div class="mini-buttons">
        <button class="round quiet wide-only" aria-label={t('previous')} onClick={() => app.player.step(-1)}><Icon name="previous" /></button>
        <button class="round" aria-label={t(playing ? 'pause' : 'play')} data-testid="player-toggle" onClick={() => app.player.toggle()}>
          <Icon name={playing ? 'pause' : 'play'} />
        </button>
        <button class="round quiet" aria-label={t('next')} data-testid="player-next" onClick={() => app.player.step(1)}><Icon name="next" /></button>
      </div>
    </section>
  );
}

export function Seek() {
  const { app, t } = useApp();
  const { position, duration } = useStore(app.player.state);
  return (
    <input type="range" class="seek" min={0} max={Math.max(1, Math.round(duration))} step={1} value={Math.round(position)} data-testid="player-seek"
      aria-label={t('seek')} aria-valuetext={`${clock(position)} / ${clock(duration)}`}
      onInput={(event) => app.player.seek(Number(event.currentTarget.value))} />
  );
}
