/** Colours of printed tape sleeves: paper, ink and three stripes each. */
const sleeves = [
  { paper: '#f7e7c6', ink: '#2b1a2f', stripes: ['#e4572e', '#f3a712', '#2a9d8f'] },
  { paper: '#f4d9d0', ink: '#321a3b', stripes: ['#c8405f', '#ef8354', '#4f5d9c'] },
  { paper: '#dcebe4', ink: '#14303a', stripes: ['#1b7f79', '#f2b134', '#ed553b'] },
  { paper: '#e3dcf4', ink: '#241a4a', stripes: ['#6a4bc4', '#e86a92', '#41b3d3'] },
  { paper: '#fbe3a1', ink: '#3a2312', stripes: ['#d1495b', '#00798c', '#30638e'] },
  { paper: '#d6e6f2', ink: '#142a45', stripes: ['#2b6cb0', '#ff7f51', '#f6bd60'] },
];

export type Sleeve = (typeof sleeves)[number];

/** A number that is always the same for the same text (FNV-1a). */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Every song and playlist has its own sleeve, found by its id. */
export function sleeve(id: string): Sleeve {
  return sleeves[hash(id) % sleeves.length]!;
}
