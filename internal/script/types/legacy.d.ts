// What rules and scripts of connections share.

/** The settings of the tenant, or of the connection; all of them are texts. */
declare const configuration: Readonly<Record<string, string>>;

/** Refuses the login: the application gets `error=unauthorized` and the message as its description. */
declare class UnauthorizedError extends Error {
  constructor(message?: string, ...ignored: any[]);
  code: 'unauthorized';
  description?: string;
  statusCode: 401;
}

/** Refuses what was sent, with a code of its own, such as `user_exists`. */
declare class ValidationError extends Error {
  constructor(code: string, message?: string);
  code: string;
  description?: string;
  statusCode: 400;
}

/** Says that the password is wrong. Without a first argument that is something, the user is not known. */
declare class WrongUsernameOrPasswordError extends Error {
  constructor(userNameOrEmail?: string | null, message?: string);
  code: 'wrongusernameorpassword';
  user_id?: string;
  statusCode: 400;
}

/** @deprecated A global of old runtimes; write `const _ = require('lodash')`. */
declare const _: any;
/** @deprecated Write `const request = require('request')`. */
declare const request: any;
/** @deprecated Write `const jwt = require('jsonwebtoken')`: options differ. */
declare const jwt: any;
/** @deprecated Write `const uuid = require('uuid')`. */
declare const uuid: any;
/** @deprecated Write `const querystring = require('querystring')`. */
declare const querystring: any;
/** @deprecated Write `const async = require('async')`. */
declare const async: any;
/** @deprecated Write `const bcrypt = require('bcrypt')`. */
declare const bcrypt: any;
/** @deprecated Write `const pg = require('pg')`. */
declare const pg: any;
/** @deprecated Write `const mysql = require('mysql')`. */
declare const mysql: any;
/** @deprecated Write `const q = require('q')`. */
declare const q: any;
/** @deprecated Write `const xml2js = require('xml2js')`. */
declare const xml2js: any;
/** @deprecated Write `const xmldom = require('xmldom')`. */
declare const xmldom: any;
/** @deprecated Write `const xpath = require('xpath')`. */
declare const xpath: any;
/** @deprecated Write `const xtend = require('xtend')`. */
declare const xtend: any;
/** @deprecated Write `const { ObjectID } = require('mongodb')`. */
declare const ObjectID: any;
/** @deprecated Write `const Knex = require('knex')`. */
declare const Knex: any;
/** @deprecated Write `const azure_storage = require('azure-storage')`. */
declare const azure_storage: any;
/** @deprecated Write `const Pubnub = require('pubnub')`. */
declare const Pubnub: any;
/** @deprecated `ip(address).in_range(ranges)` */
declare function ip(address: string): { in_range(ranges: string | string[]): boolean };
/** @deprecated Write `require('crypto').pbkdf2`. */
declare const pbkdf2: any;
