// What JavaScript has for people of a locale, on the engine that has no Intl: English of the United States, as Node.js writes it. What it
// cannot do right it refuses; a script that decides by the hour of an office must not get another hour without a word.
'use strict';
const {compute} = internal;

function refuse(what) {
	const error = new Error(what + ' is not available on the embedded runtime: set script_runtime of the tenant to "node"');
	error.code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
	return error;
}

// english refuses the locales that are not meant by what.
function english(locales, of, what) {
	const locale = Array.isArray(locales) ? locales[0] : locales;
	if (locale === null) throw new TypeError('Incorrect locale information provided');
	if (locale !== undefined && !(typeof locale === 'string' && of.test(locale))) throw refuse(what + ' with the locale ' + String(locale));
}
const ofUS = /^(en|en-us|default)$/i, ofAll = /^(en|en-[a-z]{2}|default)$/i;

// read takes options that are known. known has for each the values that are possible, or a function that reads it.
function read(options, known, what) {
	if (options === undefined) return {};
	if (options === null) throw new TypeError('Cannot convert undefined or null to object');
	const out = {};
	for (const name in Object(options)) {
		const value = options[name];
		if (value === undefined) continue;
		const reader = known[name];
		if (reader === undefined) continue; // no option at all
		if (typeof reader === 'function') out[name] = reader(value, name);
		else if (reader.includes(String(value))) out[name] = String(value);
		else throw refuse(what + ' with ' + name + ' ' + String(value));
	}
	return out;
}

// --- numbers ----------------------------------------------------------------------------------------------------------------------

const digits = least => (value, name) => {
	const n = Number(value);
	if (!(n >= least && n <= 100)) throw new RangeError(name + ' value is out of range.');
	return Math.floor(n);
};
const numberOptions = {
	style: ['decimal'], notation: ['standard'], useGrouping: ['true', 'false', 'auto', 'always'], localeMatcher: ['lookup', 'best fit'],
	minimumIntegerDigits: digits(1), minimumFractionDigits: digits(0), maximumFractionDigits: digits(0), minimumSignificantDigits: [], maximumSignificantDigits: [],
	signDisplay: ['auto'], numberingSystem: ['latn'], roundingMode: ['halfExpand'], roundingPriority: ['auto'], roundingIncrement: ['1'], trailingZeroDisplay: ['auto'],
};

// decimal is a number's shortest text without an exponent: its digits before and behind the point.
function decimal(text) {
	const [, whole, part = '', power = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text);
	const all = whole + part, at = whole.length + Number(power);
	if (at <= 0) return ['0', '0'.repeat(-at) + all];
	return [all.slice(0, at).padEnd(at, '0'), all.slice(at)];
}

// round rounds half away from zero, on the digits.
function round([whole, part], places) {
	if (part.length <= places) return [whole, part];
	let all = BigInt(whole + part.slice(0, places));
	if (part[places] >= '5') all++;
	const text = String(all).padStart(places + 1, '0');
	return [text.slice(0, text.length - places), text.slice(text.length - places)];
}

function formatNumber(value, locales, options) {
	const what = 'toLocaleString of numbers';
	english(locales, ofUS, what);
	const o = read(options, numberOptions, what);
	const least = o.minimumFractionDigits || 0, most = o.maximumFractionDigits === undefined ? Math.max(least, 3) : o.maximumFractionDigits;
	if (least > most && o.minimumFractionDigits !== undefined) throw new RangeError('maximumFractionDigits value is out of range.');
	const negative = typeof value === 'number' ? value < 0 || Object.is(value, -0) : value < 0n;
	if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : negative ? '-∞' : '∞';
	let [whole, part] = round(decimal(String(value).replace(/^-/, '')), most);
	part = part.replace(/0+$/, '').padEnd(least, '0');
	whole = whole.replace(/^0+(?=\d)/, '').padStart(o.minimumIntegerDigits || 1, '0');
	if (o.useGrouping !== 'false') whole = whole.replace(/\B(?=(\d{3})+$)/g, ',');
	return (negative ? '-' : '') + whole + (part ? '.' + part : '');
}

// --- dates ------------------------------------------------------------------------------------------------------------------------

const numeric = ['numeric', '2-digit'];
const dateOptions = {
	weekday: ['short', 'long'], year: numeric, month: [...numeric, 'short', 'long'], day: numeric, hour: numeric, minute: numeric, second: numeric,
	hour12: Boolean, hourCycle: ['h12', 'h23'], dateStyle: ['full', 'long', 'medium', 'short'], timeStyle: ['medium', 'short'],
	timeZone: String, era: [], dayPeriod: [], fractionalSecondDigits: [], timeZoneName: [], localeMatcher: ['lookup', 'best fit'], formatMatcher: ['basic', 'best fit'], calendar: ['gregory'], numberingSystem: ['latn'],
};
const styles = {
	full: {weekday: 'long', year: 'numeric', month: 'long', day: 'numeric'}, long: {year: 'numeric', month: 'long', day: 'numeric'},
	medium: {year: 'numeric', month: 'short', day: 'numeric'}, short: {year: '2-digit', month: 'numeric', day: 'numeric'},
};
const times = {medium: {hour: 'numeric', minute: '2-digit', second: '2-digit'}, short: {hour: 'numeric', minute: '2-digit'}};
const ofDate = ['weekday', 'year', 'month', 'day'], ofTime = ['hour', 'minute', 'second'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const pad = n => String(n).padStart(2, '0');

// formatDate writes a date; parts are what a method writes when the options name none of them: any of both, or those of the one that it is for.
function formatDate(date, locales, options, method, parts) {
	const time = Date.prototype.getTime.call(date);
	english(locales, ofUS, method);
	const o = read(options, dateOptions, method), has = name => o[name] !== undefined;
	if (has('dateStyle') || has('timeStyle')) {
		const wrong = parts === 'time' ? 'dateStyle' : 'timeStyle';
		if (parts !== 'any' && has(wrong)) throw new TypeError('Invalid option : ' + wrong);
		const clash = [...ofDate, ...ofTime].find(has);
		if (clash) throw new TypeError("Can't set option " + clash + ' when ' + (has('dateStyle') ? 'dateStyle' : 'timeStyle') + ' is used');
		if (has('timeStyle') && (o.dateStyle === 'full' || o.dateStyle === 'long')) throw refuse(method + ' of a day in words with a time');
		Object.assign(o, styles[o.dateStyle], times[o.timeStyle]);
	} else {
		const named = {any: [...ofDate, ...ofTime], date: ofDate, time: ofTime}[parts].some(has);
		if (!named && parts !== 'time') Object.assign(o, {year: 'numeric', month: 'numeric', day: 'numeric'});
		if (!named && parts !== 'date') Object.assign(o, {hour: 'numeric', minute: '2-digit', second: '2-digit'});
	}
	const offset = has('timeZone') ? compute('zone', o.timeZone, Number.isNaN(time) ? 0 : time) : 0;
	if (Number.isNaN(time)) return 'Invalid Date';
	const local = new Date(time + offset * 1000), day = dayOf(local, o, method), clock = timeOf(local, o, method);
	if (day && clock && !has('dateStyle') && (has('weekday') || /^[sl]/.test(o.month))) throw refuse(method + ' of a day in words with a time');
	return day && clock ? day + ', ' + clock : day || clock;
}

function dayOf(local, o, method) {
	const year = local.getUTCFullYear(), month = local.getUTCMonth();
	const shown = {
		weekday: o.weekday === 'short' ? weekdays[local.getUTCDay()].slice(0, 3) : o.weekday && weekdays[local.getUTCDay()],
		year: o.year && (o.year === 'numeric' ? String(year > 0 ? year : 1 - year) : pad((year > 0 ? year : 1 - year) % 100)),
		month: o.month === 'long' ? months[month] : o.month === 'short' ? months[month].slice(0, 3) : o.month && (o.month === 'numeric' ? String(month + 1) : pad(month + 1)),
		day: o.day && (o.day === 'numeric' ? String(local.getUTCDate()) : pad(local.getUTCDate())),
	};
	const words = /^[sl]/.test(o.month), named = ofDate.filter(name => o[name]).join(' ');
	switch (named) {
	case '': case 'weekday': case 'year': case 'month': case 'day':
		return shown[named] || '';
	case 'month day': case 'year month': case 'year month day':
		if (!words) return ['month', 'day', 'year'].filter(name => o[name]).map(name => shown[name]).join('/');
		return shown.month + (o.day ? ' ' + shown.day : '') + (o.year ? (o.day ? ', ' : ' ') + shown.year : '');
	case 'weekday month day': case 'weekday year month day':
		return shown.weekday + ', ' + dayOf(local, {...o, weekday: undefined}, method);
	}
	throw refuse(method + ' with ' + named);
}

function timeOf(local, o, method) {
	const hours = local.getUTCHours(), minute = pad(local.getUTCMinutes()), second = pad(local.getUTCSeconds());
	switch (ofTime.filter(name => o[name]).join(' ')) {
	case '': return '';
	case 'minute': return String(Number(minute));
	case 'second': return String(Number(second));
	case 'minute second': return minute + ':' + second;
	case 'hour': case 'hour minute': case 'hour minute second': break;
	default: throw refuse(method + ' with hour and second');
	}
	const behind = (o.minute ? ':' + minute : '') + (o.second ? ':' + second : '');
	if (o.hour12 === false) return pad(hours === 0 ? 24 : hours) + behind;
	if (o.hour12 === undefined && o.hourCycle === 'h23') return pad(hours) + behind;
	const hour = hours % 12 || 12;
	return (o.hour === 'numeric' ? hour : pad(hour)) + behind + (hours < 12 ? ' AM' : ' PM');
}

// --- texts ------------------------------------------------------------------------------------------------------------------------

const orderOptions = {
	usage: ['sort'], sensitivity: ['base', 'accent', 'variant'], numeric: ['false'], ignorePunctuation: ['false'], caseFirst: ['false'], collation: ['default'], localeMatcher: ['lookup', 'best fit'],
};

function compare(text, other, locales, options) {
	english(locales, ofAll, 'localeCompare');
	return compute('collate', read(options, orderOptions, 'localeCompare').sensitivity || 'variant', text, String(other));
}

// Languages whose letters change their case in a way of their own.
const ownCase = /^(tr|az|lt|el)(-|$)/i;
function change(text, method, locales) {
	const locale = Array.isArray(locales) ? locales[0] : locales;
	if (ownCase.test(locale)) throw refuse(method + ' with the locale ' + locale);
	return method === 'toLocaleUpperCase' ? text.toUpperCase() : text.toLowerCase();
}

// A list writes each of its members.
const list = (value, ...args) => Array.from(value, one => one === null || one === undefined ? '' : one.toLocaleString(...args)).join(',');

const subject = (value, what) => {
	if (value === null || value === undefined) throw new TypeError('String.prototype.' + what + ' called on null or undefined');
	return String(value);
};

module.exports = {
	Number: {toLocaleString: (value, ...args) => formatNumber(Number.prototype.valueOf.call(value), ...args)},
	BigInt: {toLocaleString: (value, ...args) => formatNumber(BigInt.prototype.valueOf.call(value), ...args)},
	Date: {
		toLocaleString: (date, locales, options) => formatDate(date, locales, options, 'toLocaleString', 'any'),
		toLocaleDateString: (date, locales, options) => formatDate(date, locales, options, 'toLocaleDateString', 'date'),
		toLocaleTimeString: (date, locales, options) => formatDate(date, locales, options, 'toLocaleTimeString', 'time'),
	},
	String: {
		localeCompare: (text, ...args) => compare(subject(text, 'localeCompare'), ...args),
		toLocaleUpperCase: (text, locales) => change(subject(text, 'toLocaleUpperCase'), 'toLocaleUpperCase', locales),
		toLocaleLowerCase: (text, locales) => change(subject(text, 'toLocaleLowerCase'), 'toLocaleLowerCase', locales),
	},
	Array: {toLocaleString: list},
};
