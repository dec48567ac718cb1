// Reads {"files": {name: text}, "types": {name: text}, "nulls": bool} from standard input and prints {name: ["line: message", …]} for the files in which
// TypeScript's checker finds something. Nothing is read from the disk but TypeScript's own libraries.
import ts from 'typescript';
import { readFileSync } from 'node:fs';

const { files, types, nulls } = JSON.parse(readFileSync(0, 'utf8'));
const texts = new Map([...Object.entries(types).map(([name, text]) => ['/types/' + name, text]), ...Object.entries(files).map(([name, text]) => ['/files/' + name, text])]);
const options = { allowJs: true, checkJs: true, noEmit: true, strict: true, useUnknownInCatchVariables: false, noImplicitAny: false, noImplicitThis: false, strictNullChecks: nulls, target: ts.ScriptTarget.ES2023, lib: ['lib.es2023.d.ts'], types: [], module: ts.ModuleKind.CommonJS };
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists, readFile } = host;
const parsed = new Map(); // libraries and declarations are parsed once
host.getSourceFile = (name, ...rest) => {
	if (!parsed.has(name)) parsed.set(name, texts.has(name) ? ts.createSourceFile(name, texts.get(name), ts.ScriptTarget.ES2023, true) : getSourceFile.call(host, name, ...rest));
	return parsed.get(name);
};
host.fileExists = name => texts.has(name) || fileExists.call(host, name);
host.readFile = name => texts.get(name) ?? readFile.call(host, name);
host.getCurrentDirectory = () => '/';

const found = {};
for (const name of Object.keys(files)) { // each alone: scripts share no scope
	const kind = name.split('/')[0];
	const declarations = ['globals.d.ts', ...({ rule: ['legacy.d.ts', 'rules.d.ts'], hook: ['hooks.d.ts'], action: ['actions.d.ts'], connection: ['legacy.d.ts', 'connections.d.ts'] }[kind])];
	const program = ts.createProgram([...declarations.map(d => '/types/' + d), '/files/' + name], options, host);
	const lines = ts.getPreEmitDiagnostics(program).map(d => {
		const at = d.file ? d.file.getLineAndCharacterOfPosition(d.start).line + 1 : 0;
		return (d.file && d.file.fileName.startsWith('/types/') ? d.file.fileName + ' ' : '') + at + ': ' + ts.flattenDiagnosticMessageText(d.messageText, ' ');
	});
	if (lines.length) found[name] = lines;
}
console.log(JSON.stringify(found));
