import { useId } from 'preact/hooks';
import { sleeve } from './art';

interface Props {
  /** Chooses the colours. */
  id: string;
  title: string;
  note?: string;
  /** How much of the tape has run, 0 to 1. */
  progress?: number;
  spinning?: boolean;
}

/** A cassette whose tape moves from the left reel to the right one as the song plays. */
export function Cassette({ id, title, note = '', progress = 0, spinning = false }: Props) {
  const { paper, ink, stripes } = sleeve(id);
  const clip = useId();
  // The area of tape is constant, so the radii follow a square root.
  const pack = (share: number) => Math.sqrt(15 ** 2 + share * (33 ** 2 - 15 ** 2));
  const shown = title.length > 24 ? title.slice(0, 23) + '…' : title;
  return (
    <svg class={spinning ? 'cassette spinning' : 'cassette'} viewBox="0 0 340 216" aria-hidden="true" focusable="false">
      <rect x="3" y="3" width="334" height="210" rx="15" fill={ink} stroke="#0006" stroke-width="2" />
      <rect x="6" y="6" width="328" height="204" rx="12.5" fill="none" stroke="#fff3" stroke-width="1.5" />
      {[[20, 20], [320, 20], [20, 196], [320, 196]].map(([x, y]) => (
        <g>
          <circle cx={x} cy={y} r="5.5" fill="#fff2" />
          <path d={`M${x! - 3} ${y}h6M${x} ${y! - 3}v6`} stroke="#0008" stroke-width="1.6" />
        </g>
      ))}
      <rect x="30" y="20" width="280" height="138" rx="9" fill={paper} />
      <path d="M30 92h280v14H30z" fill={stripes[0]} />
      <path d="M30 106h280v14H30z" fill={stripes[1]} />
      <path d="M30 120h280v14H30z" fill={stripes[2]} />
      <circle cx="52" cy="43" r="13" fill={stripes[0]} />
      <text x="52" y="49" text-anchor="middle" font-size="17" font-weight="800" fill={paper} class="cassette-side">A</text>
      <path d="M76 56.500h216" stroke={ink} stroke-opacity=".35" stroke-width="1.5" />
      <text x="78" y="51" font-size="23" fill={ink} class="marker">{shown}</text>
      <text x="78" y="75" font-size="12.5" fill={ink} class="cassette-side">{note}</text>
      <rect x="72" y="84" width="196" height="58" rx="29" fill={ink} />
      <rect x="128" y="91" width="84" height="44" rx="5" fill="#fff" fill-opacity=".1" />
      <clipPath id={clip}><rect x="72" y="84" width="196" height="58" rx="29" /></clipPath>
      <g clip-path={`url(#${clip})`}>
        <circle cx="106" cy="113" r={pack(1 - progress)} fill="#5b3a29" />
        <circle cx="234" cy="113" r={pack(progress)} fill="#5b3a29" />
      </g>
      <Reel x={106} /><Reel x={234} />
      <path d="M78 213l12-43h160l12 43z" fill="#fff" fill-opacity=".1" stroke="#fff" stroke-opacity=".2" stroke-width="1.5" />
      <circle cx="112" cy="196" r="6" fill="#0007" /><circle cx="228" cy="196" r="6" fill="#0007" />
      <rect x="145" y="189" width="10" height="10" rx="2" fill="#0007" /><rect x="185" y="189" width="10" height="10" rx="2" fill="#0007" />
    </svg>
  );
}

function Reel({ x }: { x: number }) {
  return (
    <g class="reel">
      <circle cx={x} cy="113" r="15" fill="#f5efe4" />
      <circle cx={x} cy="113" r="9.5" fill="#1a1420" />
      {[0, 60, 120, 180, 240, 300].map((turn) => (
        <rect x={x - 1.8} y="101.5" width="3.6" height="6.5" rx="1" fill="#f5efe4" transform={`rotate(${turn} ${x} 113)`} />
      ))}
    </g>
  );
}
