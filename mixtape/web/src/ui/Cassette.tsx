import { useId, useLayoutEffect, useRef } from 'preact/hooks';
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
  return (
    <div class={spinning ? 'cassette spinning' : 'cassette'} aria-hidden="true">
      <svg viewBox="0 0 340 216" focusable="false">
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
      <Writing title={title} note={note} paper={paper} ink={ink} />
    </div>
  );
}

const sizes = ['large', 'medium', 'small'] as const;

/**
 * What somebody wrote on the paper: on one line if a hand could write it there, else in small letters on two; what is longer
 * ends in an ellipsis. It is HTML above the drawing, since the browser knows where the words of a script end and SVG does not ask.
 */
function Writing({ title, note, paper, ink }: { title: string; note: string; paper: string; ink: string }) {
  const line = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const fit = () => {
      for (const size of sizes) {
        if (!line.current) return;
        line.current.dataset.size = size;
        if (line.current.scrollWidth <= line.current.clientWidth) return;
      }
    };
    fit();
    void document.fonts.ready.then(fit); // the marker is wider than what stands in for it
  }, [title]);
  return (
    <>
      <div class="cassette-title" style={{ background: paper, color: ink }}><div class="marker" dir="auto" ref={line}>{title}</div></div>
      <div class="cassette-note cassette-side" style={{ background: paper, color: ink }}><div dir="auto">{note}</div></div>
    </>
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
