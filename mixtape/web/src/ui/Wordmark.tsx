/** The name, written on a strip of tape. */
export function Wordmark() {
  return (
    <span class="wordmark">
      <svg viewBox="0 0 40 26" aria-hidden="true" focusable="false">
        <rect x="1" y="1" width="38" height="24" rx="4.5" fill="#ff6b4a" />
        <path d="M5 9.5h30v3H5z" fill="#f3b43c" /><path d="M5 12.5h30v3H5z" fill="#2fb5a6" />
        <rect x="9" y="8" width="22" height="9.5" rx="4.7" fill="#1d1426" />
        <circle cx="14.5" cy="12.7" r="2.6" fill="#fff4e0" /><circle cx="25.5" cy="12.7" r="2.6" fill="#fff4e0" />
        <path d="M11 25l2-4.5h14l2 4.5z" fill="#1d1426" opacity=".35" />
      </svg>
      <span class="marker">Mixtape</span>
    </span>
  );
}
