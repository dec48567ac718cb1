// Which module a specifier means, for both runtimes: `name`, `name@x.y.z`, `node:name`, `@scope/name@x.y.z`, `name/part`.
//
// exports(table, core) returns resolve(specifier, pins). table has rows {name, version, module, parts, members}, of one name the one that is
// meant when no version is told first; module is what the runtime loads. core says whether Node has a module of that name. pins are the
// versions that the dependencies of a script tell, by name. The answer is null, {core, name}, or {module, part, member, name, version,
// warning}: part is one of the row's, member a property of what the part gives.
'use strict';

// numbers are the parts of a version as far as they are told: "4.17.x" is [4, 17].
function numbers(version) {
	const out = [];
	for (const part of version.replace(/^[\^~=v\s]+/, '').split(/[-+]/)[0].split('.')) {
		if (!/^\d+$/.test(part)) break;
		out.push(Number(part));
	}
	return out;
}

function compare(a, b) {
	for (let i = 0; i < 3; i++) if ((a[i] || 0) !== (b[i] || 0)) return (a[i] || 0) - (b[i] || 0);
	return 0;
}

// choose picks of the rows of one name what stands in for a version: that version itself; the next higher of the same major; the highest of
// the same major; the lowest of the next higher major there is; the highest of all.
function choose(rows, version) {
	for (const row of rows) if (row.version === version) return row;
	const wanted = numbers(version);
	if (wanted.length === 0) return rows[0];
	const sorted = rows.map(row => ({row, at: numbers(row.version)})).sort((a, b) => compare(a.at, b.at));
	const last = list => list.length ? list[list.length - 1].row : null;
	if (wanted.length < 3 || /^[\^~]/.test(version)) {
		const same = last(sorted.filter(c => wanted.slice(0, version[0] === '^' && wanted[0] > 0 ? 1 : 2).every((n, i) => c.at[i] === n)));
		if (same) return same;
	}
	const major = sorted.filter(c => c.at[0] === wanted[0]);
	const found = major.find(c => compare(c.at, wanted) >= 0);
	if (found) return found.row;
	const higher = sorted.find(c => c.at[0] > wanted[0]);
	return last(major) || (higher ? higher.row : last(sorted));
}

// take splits a specifier at the last @ that is not its first character, and the name from the part behind it.
function take(specifier) {
	let name = specifier, version = '', part = '';
	const at = specifier.lastIndexOf('@');
	if (at > 0) {
		name = specifier.slice(0, at);
		version = specifier.slice(at + 1);
		const slash = version.indexOf('/'); // name@version/part occurs too
		if (slash >= 0) {
			part = version.slice(slash + 1);
			version = version.slice(0, slash);
		}
	}
	const slash = name.indexOf('/', name[0] === '@' ? name.indexOf('/') + 1 : 0);
	if (slash > 0 && !(name[0] === '@' && name.indexOf('/') < 0)) {
		part = part || name.slice(slash + 1);
		name = name.slice(0, slash);
	}
	return {name, version, part: part.replace(/\.js$/, '')};
}

module.exports = function (table, core) {
	const rows = new Map();
	for (const row of table) {
		if (!rows.has(row.name)) rows.set(row.name, []);
		rows.get(row.name).push(row);
	}
	return function resolve(specifier, pins) {
		if (specifier.startsWith('node:')) {
			const name = specifier.slice(5);
			return core(name) ? {core: true, name} : null;
		}
		if (core(specifier)) return {core: true, name: specifier};
		const {name, version: told, part} = take(specifier);
		const candidates = rows.get(name);
		if (!candidates) return told && core(name) ? {core: true, name} : null; // url@0.10.3 and its like are copies of Node's own
		const version = told || (pins && Object.hasOwn(pins, name) ? pins[name] : '');
		const row = version ? choose(candidates, version) : candidates[0];
		const loose = version.length > 0 && (numbers(version).length < 3 || /^[\^~]/.test(version)) && (!numbers(version).length || numbers(version)[0] === numbers(row.version)[0]);
		const exact = !version || row.version === version || loose;
		const warning = exact ? '' : "require('" + (told ? specifier : name + '@' + version) + "'): version " + row.version + ' is used';
		const out = {name, module: row.module, version: row.version, part: '', member: '', warning};
		if (part === '' || part === 'index') return out;
		if (part === 'package.json') return Object.assign(out, {manifest: true});
		if (row.parts && row.parts.includes(part)) {
			out.part = part;
			return out;
		}
		for (const folder of row.members || []) {
			const prefix = folder ? folder + '/' : '';
			if (part.startsWith(prefix) && !part.slice(prefix.length).includes('/')) {
				out.member = part.slice(prefix.length);
				return out;
			}
		}
		return null;
	};
};
