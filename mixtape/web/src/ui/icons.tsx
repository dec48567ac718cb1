/** Line icons on a 24-unit grid, drawn with the colour of the text around them. */
const paths = {
  home: 'M4 11.5 12 5l8 6.5V20h-5.5v-5h-5v5H4z',
  library: 'M5 4v16M9.5 4v16M14 4.6l4.6 15',
  tape: 'M3 6h18v12H3zM8.5 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6M15.5 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6M8.5 13.8h7M7 18l1.2-2h7.6L17 18',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4',
  hood: 'M5 7l5 5-5 5M12 18h7',
  heart: 'M12 20C5 15.5 3.5 11.8 4.3 8.9 5.4 5.3 10 5 12 8.4c2-3.4 6.6-3.1 7.7.5.8 2.9-.7 6.6-7.7 11.100z',
  play: 'M8 5.500v13l11-6.500z',
  pause: 'M8 5.500v13M16 5.500v13',
  next: 'M6 6v12l9-6zM18 6v12',
  previous: 'M18 6v12l-9-6zM6 6v12',
  plus: 'M12 5v14M5 12h14',
  out: 'M14 4h5v16h-5M4 12h10M10.5 8l4 4-4 4',
  edit: 'M5 19l.8-3.700L16.5 4.600l2.9 2.900L8.7 18.200z',
  trash: 'M5 7h14M9.5 7V4.500h5V7M7 7l.8 12.500h8.400L17 7',
  search: 'M10.5 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15 15l5 5',
  down: 'M6 9.500l6 6 6-6',
  renew: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.400M19.5 4v4h-4',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  offline: 'M4 4l16 16M5 11.500a10 10 0 0 1 4-2.300M8.5 15a5 5 0 0 1 5.5-1M12 18.500h.01M13 8.600a10 10 0 0 1 6 2.9',
} as const;

const filled = new Set<keyof typeof paths>(['play', 'pause']);

export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill={filled.has(name) ? 'currentColor' : 'none'}
      stroke="currentColor" stroke-width={name === 'pause' ? 3.5 : 1.9} stroke-linecap="round" stroke-linejoin="round">
      <path d={paths[name]} />
    </svg>
  );
}
