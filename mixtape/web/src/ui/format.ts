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
