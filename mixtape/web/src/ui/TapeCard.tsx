import type { Playlist } from '../api';
import { Cassette } from './Cassette';
import { useApp } from './context';
import { plays, songCount, tapeName } from './format';

/** A playlist as a cassette on the shelf. */
export function TapeCard({ list }: { list: Playlist }) {
  const { t } = useApp();
  const name = tapeName(t, list);
  return (
    <a class="tape-card" href={`/playlists/${encodeURIComponent(list.playlist_id)}`} data-id={list.playlist_id}
      data-testid={list.featured ? 'featured-card' : 'playlist-card'}>
      <Cassette id={list.playlist_id} title={name} note={list.featured ? t('featuredBy') : songCount(t, list.songs.length)} progress={0.1} />
      <strong dir="auto">{name}</strong>
      <span>
        {songCount(t, list.songs.length)} <i>·</i> <span data-testid="playlist-plays" data-plays={list.plays}>{plays(t, list.plays)}</span>
      </span>
    </a>
  );
}
