import { useStore } from '../store';
import { Cassette } from '../ui/Cassette';
import { useApp } from '../ui/context';
import { clock, plays } from '../ui/format';
import { Icon } from '../ui/icons';
import { Seek } from '../ui/MiniPlayer';

/** The player at full size. */
export function NowPlaying() {
  const { app, t } = useApp();
  const { playing, position, duration, problem } = useStore(app.player.state);
  const { songs } = useStore(app.library.state);
  const { song } = app.player;
  if (!song) return <><h1>{t('nowPlaying')}</h1><p class="faint">{t('nothingPlays')}</p><p><a href="/library">{t('library')}</a></p></>;
  const counted = songs.find((one) => one.song_id === song.song_id)?.plays ?? song.plays;
  return (
    <section class="deck" aria-label={t('nowPlaying')}>
      <button class="round quiet deck-close" aria-label={t('closePlayer')} onClick={() => history.back()}><Icon name="down" /></button>
      <Cassette id={song.song_id} title={song.songname} note={song.artist} progress={duration ? position / duration : 0} spinning={playing} />
      <h1 data-testid="now-playing">{song.songname}</h1>
      <p class="faint">{song.artist} <i>·</i> {song.genre} <i>·</i> <span data-testid="playing-plays" data-plays={counted}>{plays(t, counted)}</span></p>
      {problem && <p class="notice bad" role="alert">{t('audioBroken', { song: problem })}</p>}
      <div class="deck-seek"><span class="time">{clock(position)}</span><Seek /><span class="time">{clock(duration)}</span></div>
      <div class="deck-buttons">
        <button class="round quiet" aria-label={t('previous')} data-testid="player-previous" onClick={() => app.player.step(-1)}><Icon name="previous" /></button>
        <button class="round huge" aria-label={t(playing ? 'pause' : 'play')} data-testid="player-toggle" onClick={() => app.player.toggle()}>
          <Icon name={playing ? 'pause' : 'play'} />
        </button>
        <button class="round quiet" aria-label={t('next')} data-testid="player-next" onClick={() => app.player.step(1)}><Icon name="next" /></button>
      </div>
    </section>
  );
}
