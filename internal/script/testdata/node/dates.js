function (user, context, callback) {
  // What toLocaleString of dates, and its two sisters, write for combinations of options; null: refused.
  const choices = {weekday: [, 'short', 'long'], year: [, 'numeric', '2-digit'], month: [, 'numeric', '2-digit', 'short', 'long'], day: [, 'numeric', '2-digit']};
  const clocks = [{}, {hour: 'numeric'}, {hour: '2-digit', minute: '2-digit'}, {hour: 'numeric', minute: 'numeric', second: 'numeric', hour12: false}, {hour: 'numeric', hour12: false}, {hour: 'numeric', hourCycle: 'h23'},
    {minute: '2-digit', second: '2-digit'}, {minute: '2-digit'}, {second: 'numeric'}, {hour12: false}, {hourCycle: 'h23'}, {hour: 'numeric', second: 'numeric'}];
  let all = [{}];
  for (const name of Object.keys(choices)) all = all.flatMap(o => Array.from(choices[name], value => value === undefined ? o : {...o, [name]: value}));
  all = all.flatMap(o => clocks.map(clock => ({...o, ...clock})));
  for (const dateStyle of [undefined, 'full', 'long', 'medium', 'short']) for (const timeStyle of [undefined, 'medium', 'short']) for (const hour12 of [undefined, false]) all.push({dateStyle, timeStyle, hour12});
  all = all.filter((_, i) => i % 5 === 0); // every fifth takes long enough
  const zones = ['UTC', 'America/New_York', 'Asia/Kathmandu', 'Europe/London', 'Australia/Lord_Howe'];
  const dates = [Date.UTC(2024, 0, 15, 0, 5, 9), Date.UTC(2026, 6, 4, 12, 0, 0), Date.UTC(1969, 11, 31, 23, 59, 59), Date.UTC(2031, 10, 2, 5, 30)].map(t => new Date(t));
  user.out = [];
  all.forEach((options, i) => {
    for (const method of ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']) {
      options.timeZone = zones[i % zones.length];
      let got = null;
      try {
        got = dates[(i >> 2) % dates.length][method]('en-US', options);
      } catch (e) {
        if (e.code !== 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM') got = e.message;
      }
      user.out.push([method + ' ' + JSON.stringify(options), got]);
    }
  });
  callback(null, user, context);
}
