import { useListener } from '../app';
import { wanted } from '../library';
import { nameless } from '../listener';
import { useStore } from '../store';
import { useApp } from '../ui/context';
import { Icon } from '../ui/icons';
import { SongList } from '../ui/SongList';
import { TapeCard } from '../ui/TapeCard';

/** Greeting, plan, the featured shelf and a few songs to start with. */
export function Home() {
  const { app, t } = useApp();
  const me = useListener(app);
  const { loaded, featured, songs, favGenre } = useStore(app.library.state);
  const all = wanted(songs, me);
  const played = all.filter((song) => song.plays > 0).sort((a, b) => b.plays - a.plays);
  const some = (played.length ? played : all).slice(0, 5);
  return (
    <>
      <section class="hero">
        <div class="hero-stripes" aria-hidden="true"><i /><i /><i /><i /></div>
        <p class="pills">
          <span class={`pill plan-${me.plan}`} data-testid="plan" data-plan={me.plan}>{t('plan', { plan: me.plan })}</span>
          {me.editor && <span class="pill editor" data-testid="editor-badge">{t('editorBadge')}</span>}
        </p>
        <h1 data-testid="greeting">{t('hello', { name: me.displayName })}</h1>
        {me.editor && <p class="hero-editor" data-testid="editor-welcome"><strong>{t('welcomeEditor')}</strong> {t('editorLine')}</p>}
        {me.displayName === nameless && (
          <p class="hero-line" data-testid="home-name">
            <Icon name="edit" />
            <span>{t('nameNone', { name: nameless })}</span>
            <a href="/settings" data-testid="name-link">{t('choose')}<span class="visually-hidden">: {t('displayName')}</span></a>
          </p>
        )}
        <p class="hero-line" data-testid="home-genre">
          <Icon name="heart" />
          <span>{loaded && (favGenre ? t('favGenreIs', { genre: favGenre }) : t('favGenreNone'))}</span>
          <a href="/genre" data-testid="genre-link">{t(favGenre || !loaded ? 'change' : 'choose')}</a>
        </p>
      </section>

      <section aria-labelledby="featured">
        <h2 id="featured">{t('featured')}</h2>
        {loaded && !featured.length && <p class="faint">{t('nothingFeatured')}</p>}
        <div class={loaded ? 'shelf' : 'shelf waiting'}>{featured.map((list) => <TapeCard list={list} key={list.playlist_id} />)}</div>
      </section>

      <section aria-labelledby="jump">
        <div class="row"><h2 id="jump" data-testid="home-songs">{t(loaded && !played.length ? 'startHere' : 'jumpIn')}</h2><a href="/library">{t('seeAll')}</a></div>
        <SongList songs={some} />
      </section>
    </>
  );
}
