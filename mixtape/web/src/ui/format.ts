import type { Playlist } from '../api';
import type { Translate } from '../texts';

/** Seconds as m:ss. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds || 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

export function plays(t: Translate, n: number): string {
  return n === 1 ? t('onePlay') : t('plays', { n });
}

export function songCount(t: Translate, n: number): string {
  return n === 1 ? t('oneSong') : t('songs', { n });
}

/** What a playlist is called, also one whose name holds nothing that can be seen. */
export function tapeName(t: Translate, list: Playlist): string {
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(list.name) ? list.name : t('untitled');
}
