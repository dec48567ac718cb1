import { h, number, s, when } from "./dom.js";
import { api, query } from "./api.js";
import { permitted, section, table } from "./parts.js";
import { failures, what } from "./logs.js";

const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

// lastDays are the days until today, with what the server counted on them; it tells only of those on which there was something.
const lastDays = (told, length) => {
  const byDay = new Map(told.map((d) => [d.date.slice(0, 10), d]));
  return Array.from({ length }, (_, i) => {
    const date = new Date(Date.now() - (length - 1 - i) * 86400e3).toISOString().slice(0, 10);
    return { date, logins: byDay.get(date)?.logins ?? 0, signups: byDay.get(date)?.signups ?? 0 };
  });
};

// chart draws a bar for each day; the table beside it says the same to those who do not see it.
const chart = (days) => {
  if (!days.some((d) => d.logins || d.signups)) return h("p.empty", {}, "Nobody logged in yet.");
  const width = 720, height = 160, step = width / days.length, most = Math.max(1, ...days.map((d) => d.logins));
  return h("figure.chart", {},
    s("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
      days.map((d, i) => {
        const tall = (v) => (v / most) * (height - 8);
        return s("g", {}, s("title", {}, `${day.format(new Date(d.date))}: ${d.logins} logins, ${d.signups} sign-ups`),
          s("rect", { x: i * step, y: 0, width: step, height, class: "ground" }),
          s("rect", { x: i * step + 3, y: height - tall(d.logins), width: step - 6, height: tall(d.logins), rx: 2, class: "logins" }),
          s("rect", { x: i * step + 3, y: height - Math.min(tall(d.signups), height), width: step - 6, height: Math.min(tall(d.signups), height), rx: 2, class: "signups" }));
      }),
      s("line", { x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5, class: "axis" })),
    h("figcaption", {}, h("span.key.logins", {}, "Logins"), h("span.key.signups", {}, "Sign-ups"),
      h("span", {}, `${day.format(new Date(days[0].date))} to today, at most ${number(most)} a day`)),
    h("details", {}, h("summary", {}, "As a table"),
      table("Logins and sign-ups by day", ["Day", "Logins", "Sign-ups"], days.filter((d) => d.logins || d.signups).reverse().map((d) => [day.format(new Date(d.date)), number(d.logins), number(d.signups)]), "Nobody logged in yet.")));
};

const figure = (name, value, to) => h("a.figure", { href: to }, h("strong", {}, value), h("span", {}, name));

export const overview = async () => {
  const recent = `/logs${query({ q: failures, per_page: 5, sort: "date:-1" })}`;
  const [figures, days, failed] = await Promise.all([
    permitted(async () => {
      const [all, active, clients] = await Promise.all([api("GET", "/users?per_page=1&include_totals=true"), api("GET", "/stats/active-users"), api("GET", "/clients?per_page=1&include_totals=true")]);
      return h("div.figures", {}, figure("users", number(all.total), "#/users"), figure("active in 30 days", number(active), "#/users?sort=last_login:-1"), figure("applications", number(clients.total), "#/clients"));
    }),
    permitted(async () => chart(lastDays(await api("GET", "/stats/daily"), 30))),
    permitted(async () => table("What failed lately", ["What", "Who", "-From", "When"], (await api("GET", recent)).map((e) => [
      h("a", { href: `#/logs/${encodeURIComponent(e.log_id)}` }, what(e)), e.user_name ?? e.client_name ?? "", e.ip ?? "", when(e.date),
    ]), "Nothing failed.")),
  ]);
  return { title: "Overview", body: [figures, section("The last 30 days", days), section("What failed lately", failed)] };
};
