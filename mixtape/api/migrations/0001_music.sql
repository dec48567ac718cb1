-- The same text runs on SQLite and PostgreSQL.
CREATE TABLE songs (
  song_id  TEXT PRIMARY KEY,
  songname TEXT NOT NULL,
  user_id  TEXT NOT NULL, -- the owner; 'mixtape' owns the shared catalogue
  artist   TEXT NOT NULL,
  genre    TEXT NOT NULL,
  explicit BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX songs_by_user ON songs (user_id);

CREATE TABLE playlists (
  playlist_id TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  user_id     TEXT NOT NULL, -- the owner; 'mixtape' owns the featured playlists
  created_at  BIGINT NOT NULL -- milliseconds since 1970
);
CREATE INDEX playlists_by_user ON playlists (user_id, created_at);

CREATE TABLE playlist_songs (
  playlist_id TEXT NOT NULL REFERENCES playlists ON DELETE CASCADE,
  position    BIGINT NOT NULL,
  song_id     TEXT NOT NULL REFERENCES songs ON DELETE CASCADE,
  PRIMARY KEY (playlist_id, position)
);

CREATE TABLE plays (
  user_id   TEXT NOT NULL,
  play_id   TEXT NOT NULL, -- chosen by the player, so that a repeated request counts once
  song_id   TEXT NOT NULL REFERENCES songs ON DELETE CASCADE,
  played_at BIGINT NOT NULL, -- milliseconds since 1970
  PRIMARY KEY (user_id, play_id)
);
CREATE INDEX plays_by_song ON plays (song_id, user_id);

CREATE TABLE user_data (
  user_id   TEXT PRIMARY KEY,
  fav_genre TEXT NOT NULL
);

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
