// The global _: lodash 2.4, whose functions old rules know, and what only its successor has.
const old = internal.npm('lodash@2.4.2'), lazy = new Set();
const names = 'add assignIn assignInWith assignWith attempt before bindKey castArray ceil chunk clamp concat conforms cond conformsTo curryRight deburr ' +
	'differenceBy differenceWith divide drop dropRight dropRightWhile dropWhile each eachRight endsWith entries entriesIn eq escapeRegExp extendWith fill ' +
	'flatMap flatMapDeep flatMapDepth flattenDeep flattenDepth flip floor flow flowRight fromPairs get gt gte has hasIn head inRange includes ' +
	'intersectionBy intersectionWith invokeMap isArrayBuffer isArrayLike isArrayLikeObject isBuffer isEqualWith isError isInteger isLength isMap isMatch ' +
	'isMatchWith isNative isNil isObjectLike isSafeInteger isSet isSymbol isTypedArray isWeakMap isWeakSet join kebabCase camelCase keyBy keysIn lowerCase ' +
	'lowerFirst lt lte mapKeys matches matchesProperty maxBy mean meanBy mergeWith method methodOf minBy multiply negate nth nthArg orderBy over overArgs ' +
	'overEvery overSome pad padEnd padStart partition pickBy omitBy propertyOf pullAll pullAllBy pullAllWith pullAt rangeRight rearg repeat replace rest ' +
	'reverse round sampleSize set setWith slice snakeCase sortedIndexBy sortedIndexOf sortedUniq sortedUniqBy split spread startCase startsWith stubArray ' +
	'stubFalse stubObject stubString stubTrue subtract sum sumBy tail take takeRight takeRightWhile takeWhile thru toArray toFinite toInteger toLength ' +
	'toLower toNumber toPairs toPairsIn toPath toPlainObject toSafeInteger toString toUpper trim trimEnd trimStart truncate unary unionBy unionWith uniqBy ' +
	'uniqWith unset update updateWith upperCase upperFirst valuesIn words xorBy xorWith zipObjectDeep zipWith';
for (const name of names.split(' ')) {
	if (Object.hasOwn(old, name)) continue;
	lazy.add(name);
	Object.defineProperty(old, name, {
		configurable: true, enumerable: false,
		get: () => internal.npm('lodash')[name],
		set: value => Object.defineProperty(old, name, {value, writable: true, configurable: true, enumerable: true}),
	});
}
module.exports = old;
