function (user, context, callback) {
  // Everything that a script can get hold of is walked; whatever has no prototype of this realm at the end of its chain is of another one.
  var foreign = [], seen = new Set(), queue = [];
  function add(value, path) {
    if (value === null || typeof value !== 'object' && typeof value !== 'function' || seen.has(value)) return;
    seen.add(value);
    queue.push([value, path]);
  }
  function attempt(path, fn) {
    try { add(fn(), path); } catch (e) { add(e, path + ' threw'); }
  }
  var crypto = require('crypto'), zlib = require('zlib'), util = require('util');
  add(globalThis, 'global');
  require('module').builtinModules.concat(['request', 'lodash', 'jsonwebtoken', 'bcrypt', 'uuid']).forEach(function (name) { attempt(name, function () { return require(name); }); });
  attempt('arguments', function () { return arguments; });
  attempt('caller', function () { return add.caller; });
  attempt('hash', function () { return crypto.createHash('sha256').update('x'); });
  attempt('digest', function () { return crypto.createHash('sha256').update('x').digest(); });
  attempt('hash of nothing', function () { return crypto.createHash('nothing'); });
  attempt('update of nothing', function () { return crypto.createHash('md5').update({}); });
  attempt('key', function () { return crypto.createSecretKey(Buffer.from('secret')); });
  attempt('pair', function () { return crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'}); });
  attempt('pem', function () { return crypto.createPrivateKey('nonsense'); });
  attempt('cipher', function () { return crypto.createCipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16)); });
  attempt('cipher info', function () { return crypto.getCipherInfo('aes-128-cbc'); });
  attempt('bytes', function () { return crypto.randomBytes(4); });
  attempt('bytes of nothing', function () { return crypto.randomBytes('x'); });
  attempt('subtle', function () { return crypto.webcrypto.subtle.digest('SHA-256', Buffer.from('x')); });
  attempt('random values', function () { return crypto.getRandomValues(new Uint8Array(2)); });
  attempt('gunzip', function () { return zlib.gunzipSync(Buffer.from('x')); });
  attempt('gzip', function () { return zlib.gzipSync('x'); });
  attempt('gzip stream', function () { return zlib.createGzip(); });
  attempt('decoder', function () { return new TextDecoder('latin1'); });
  attempt('decoder of nothing', function () { return new TextDecoder('nothing'); });
  attempt('decoded', function () { return new TextDecoder('utf-8', {fatal: true}).decode(new Uint8Array([255])); });
  attempt('slice', function () { return Buffer.from('abc').slice(1); });
  attempt('memory', function () { return Buffer.from('abc').buffer; });
  attempt('buffer of nothing', function () { return Buffer.from({}); });
  attempt('buffer too large', function () { return Buffer.alloc(-1); });
  attempt('json', function () { return Buffer.from('a').toJSON(); });
  attempt('url', function () { return new URL('nonsense'); });
  attempt('overflow', function () { function f() { try { f(); } catch (e) { add(e, 'in overflow'); } Buffer.from('x'); crypto.createHash('md5'); } f(); });
  attempt('stack', function () { Error.prepareStackTrace = function (e, frames) { add(frames, 'frames'); frames.forEach(function (f, i) { add(f.getThis(), 'this of ' + i); add(f.getFunction(), 'function of ' + i); }); return ''; }; return crypto.createHash('nothing'); });
  attempt('stack of own', function () { return new Error().stack; });
  Error.prepareStackTrace = undefined;
  attempt('argument', function () { return crypto.createHash({toString: function () { add(arguments, 'toString'); return 'md5'; }, get constructor() { add(arguments, 'constructor'); return {}; }}); });
  attempt('primitive', function () { var o = {}; o[Symbol.toPrimitive] = function () { add(arguments, 'toPrimitive'); add(this, 'this of toPrimitive'); return 'x'; }; return Buffer.from(o); });
  attempt('inspected', function () { var o = {}; o[Symbol.for('nodejs.util.inspect.custom')] = function () { for (var i = 0; i < arguments.length; i++) add(arguments[i], 'inspect argument ' + i); add(this, 'this of inspect'); return 'x'; }; return Buffer.from('x', 'utf8', o) && crypto.createHash(o); });
  attempt('inspected in a list', function () { var o = {}; o[Symbol.for('nodejs.util.inspect.custom')] = function () { for (var i = 0; i < arguments.length; i++) add(arguments[i], 'inspect argument ' + i + ' in a list'); return 'x'; }; return Buffer.concat([o]); });
  attempt('proxy', function () { return Buffer.from(new Proxy({}, {get: function () { for (var i = 0; i < arguments.length; i++) add(arguments[i], 'trap argument ' + i); return undefined; }})); });
  attempt('import', function () { return import('fs'); });
  attempt('eval', function () { return (0, eval)('this'); });
  attempt('Function', function () { return new Function('return this')(); });
  attempt('console', function () { return console.log; });
  var pending = 5;
  function got() {
    for (var i = 0; i < arguments.length; i++) add(arguments[i], 'callback argument ' + i);
    add(this, 'this of callback');
    if (--pending > 0) return;
    walk();
    callback(null, {foreign: foreign, walked: seen.size, process: [typeof process.mainModule, typeof process.binding, JSON.stringify(process.env)]}, context);
  }
  import('fs').then(got, got);
  crypto.webcrypto.subtle.digest('SHA-nothing', Buffer.from('x')).then(got, got);
  crypto.randomBytes(2, got);
  crypto.pbkdf2('a', 'b', 1, 8, 'sha1', got);
  zlib.gunzip(Buffer.from('x'), got);
  function walk() {
    while (queue.length && seen.size < 50000) {
      var next = queue.shift(), value = next[0], path = next[1], p = value, n = 0;
      try {
        for (; p !== null && p !== Object.prototype && n < 50; n++) p = Object.getPrototypeOf(p);
        if (p === null && n > 0 && value !== Object.prototype) {
          var proto = Object.getPrototypeOf(value);
          if (proto !== null && Object.getPrototypeOf(proto) === null && proto !== Object.prototype && !seen.has(proto) || typeof value === 'function') foreign.push(path);
          else if (proto !== null && n > 1) foreign.push(path);
        }
        if (typeof value === 'function' && value !== Function.prototype && !(value instanceof Function)) foreign.push(path + ' (function)');
        Reflect.ownKeys(value).forEach(function (key) {
          var found = Object.getOwnPropertyDescriptor(value, key), name = path + '.' + String(key);
          if (!found) return;
          if ('value' in found) return add(found.value, name);
          add(found.get, name + ' (get)');
          add(found.set, name + ' (set)');
          attempt(name, function () { return value[key]; });
        });
        add(Object.getPrototypeOf(value), path + '.__proto__');
      } catch (e) { add(e, path + ' threw'); }
    }
  }
}
