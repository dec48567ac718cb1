// What a tenant has one of: its address at the API, and what of it has a field of its own. All else is there as JSON.
export const singles = [
  {
    path: "/tenants/settings", title: "Tenant", fixed: ["sandbox_versions_available"],
    fields: {
      friendly_name: ["text", "Name that people read"], picture_url: ["text", "Address of the logo"], support_email: ["text", "Address for people who need help"],
      support_url: ["text", "Page for people who need help"], session_lifetime: ["number", "Hours that a session lasts at most"], idle_session_lifetime: ["number", "Hours that a session lasts unused"],
    },
  },
  {
    path: "/branding", title: "Branding", explain: "How the pages look on which people log in.",
    fields: { logo_url: ["text", "Address of the logo"], favicon_url: ["text", "Address of the small picture in the tab"] },
  },
  {
    path: "/attack-protection/brute-force-protection", title: "Guessed passwords of one account",
    fields: { enabled: ["check", "Block addresses that guess"], max_attempts: ["number", "Wrong passwords before that"] },
  },
  {
    path: "/attack-protection/suspicious-ip-throttling", title: "One address that tries many accounts",
    fields: { enabled: ["check", "Slow it down"] },
  },
  {
    path: "/attack-protection/breached-password-detection", title: "Passwords that leaked elsewhere",
    fields: { enabled: ["check", "Look for them"] },
  },
];
