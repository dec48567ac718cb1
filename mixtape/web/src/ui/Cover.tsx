import { hash, sleeve } from './art';

/** The little picture of a song: one of five prints in the colours of its sleeve. */
export function Cover({ id }: { id: string }) {
  const { paper, ink, stripes } = sleeve(id);
  const [a, b, c] = stripes as [string, string, string];
  const turn = (hash(id + 'turn') % 4) * 90;
  const prints = [
    <>
      <circle cx="24" cy="27" r="14" fill={b} />
      <path d="M0 27h48v21H0z" fill={a} /><path d="M0 33h48v5H0z" fill={c} /><path d="M0 43h48v5H0z" fill={ink} />
    </>,
    <>
      <path d="M0 48a48 48 0 0 1 48-48v12a36 36 0 0 0-36 36z" fill={a} />
      <path d="M12 48a36 36 0 0 1 36-36v12a24 24 0 0 0-24 24z" fill={b} />
      <path d="M24 48a24 24 0 0 1 24-24v24z" fill={c} />
    </>,
    <>
      <circle cx="24" cy="24" r="19" fill={ink} /><circle cx="24" cy="24" r="12" fill={a} />
      <circle cx="24" cy="24" r="7" fill={b} /><circle cx="24" cy="24" r="2.5" fill={paper} />
    </>,
    <>
      <path d="M0 14q12-14 24 0t24 0v10q-12 14-24 0t-24 0z" fill={a} />
      <path d="M0 24q12-14 24 0t24 0v10q-12 14-24 0t-24 0z" fill={b} />
      <path d="M0 34q12-14 24 0t24 0v14H0z" fill={c} />
    </>,
    <>
      <path d="M0 0h24v24H0z" fill={a} /><path d="M24 24h24v24H24z" fill={c} />
      <circle cx="36" cy="12" r="9" fill={b} /><path d="M0 48l24-24v24z" fill={ink} />
    </>,
  ];
  return (
    <svg class="cover" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
      <rect width="48" height="48" fill={paper} />
      <g transform={`rotate(${turn} 24 24)`}>{prints[hash(id + 'print') % prints.length]}</g>
    </svg>
  );
}
